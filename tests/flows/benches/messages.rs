//! Messages from one app to another: real apps, real relays, a real PDS, all on loopback.
//!
//! `cargo bench -p sotto-flows --bench messages` prints lines `name<TAB>value<TAB>unit<TAB>ratio`, the
//! ratio being the baseline's time by ours. A first contact is held against the HTTP requests that
//! it takes at least, one after the other; the catch-up against the engine alone, which opens as
//! large a backlog without a network.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints its figures and stops where something is wrong"
)]

#[path = "../../../crates/core/src/testing.rs"]
#[expect(dead_code, unreachable_pub, reason = "the tests use the rest")]
mod testing;

use sotto_core::db::DbError;
use sotto_core::messages::{ComposeError, compose};
use sotto_core::views::MessageState;
use sotto_testkit::{Client, Relay, network};
use sotto_wire::conversation::ConversationId;
use std::time::{Duration, Instant};
use testing::acquainted;

const CONTACTS: usize = 7;
const BACKLOG: usize = 10_000;
/// Adjudication, document, operation log, record, claim and put, each of the challenges of three of
/// them; the relay's three to verify the sender; the recipient's three, and its answer's two.
const REQUESTS: u32 = 17;
/// Messages of one transaction, as the receiver has it.
const BATCH: usize = 200;

#[tokio::main]
async fn main() {
    // `cargo test --benches` runs it too, to see that it still works.
    let measures = std::env::args().any(|argument| argument == "--bench");
    let (contacts, backlog) = if measures {
        (CONTACTS, BACKLOG)
    } else {
        (1, 50)
    };
    first_contacts(contacts).await;
    catch_up(backlog).await;
}

fn line(name: &str, time: Duration, unit: &str, baseline: Duration) {
    let ratio = baseline.as_secs_f64() / time.as_secs_f64();
    let value = match unit {
        "ms" => time.as_millis(),
        _ => time.as_micros(),
    };
    println!("{name}\t{value}\t{unit}\t{ratio:.2}");
}

/// The middle one.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    *times.get(times.len() / 2).unwrap()
}

async fn first_contacts(n: usize) {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let (mut times, mut requests) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
        let conversation = alice.conversation(&bob).await;
        requests.push(http_requests(&relays.1).await);
        let begun = Instant::now();
        let sent = alice
            .app()
            .send_text(conversation, "hello".to_owned(), None)
            .await;
        sent.unwrap();
        while alice.states(&bob).await != [MessageState::Delivered] {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "it never arrives"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        times.push(begun.elapsed());
    }
    let baseline = median(requests);
    let name = format!("baseline: {REQUESTS} HTTP requests, one after the other");
    line(&name, baseline, "ms", baseline);
    line(
        "first contact, from sending to delivered",
        median(times),
        "ms",
        baseline,
    );
}

async fn http_requests(relay: &Relay) -> Duration {
    let http = reqwest::Client::new();
    let url = format!("http://{}/healthz", relay.domain());
    let begun = Instant::now();
    for _ in 0..REQUESTS {
        http.get(&url).send().await.unwrap().bytes().await.unwrap();
    }
    begun.elapsed()
}

async fn catch_up(n: usize) {
    let baseline = engine_alone(n);
    // More may wait for one grant than a relay lets by default: what it drops, the sender repeats,
    // but not within this measurement.
    let settings = [("SOTTO_RELAY_GRANT_QUEUE", "20000")];
    let relay = Relay::with(network(), &settings).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    alice.write(&bob, "hello").await;
    bob.hears(&alice, &["hello"]).await;
    alice.delivered(&bob).await;
    bob.write(&alice, "hello").await;
    bob.delivered(&alice).await;
    bob.stop().await;
    let conversation = ConversationId::from_hex(&alice.conversation(&bob).await).unwrap();
    let writing = alice.app().database().unwrap();
    let written = writing.write::<_, ComposeError>(move |tx| {
        (0..n).try_for_each(|n| compose::text(tx, &conversation, &format!("message {n}")).map(drop))
    });
    written.await.unwrap();
    while count(&alice, "SELECT count(*) FROM message WHERE state = 0").await > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let begun = Instant::now();
    bob.start().await.unwrap();
    let all = i64::try_from(n).unwrap() + 2;
    while count(&bob, "SELECT count(*) FROM message").await < all {
        assert!(
            begun.elapsed() < Duration::from_secs(300),
            "it never catches up"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let each = u32::try_from(n).unwrap();
    let time = begun.elapsed();
    line(
        "baseline: the engine opens a message of such a backlog",
        baseline / each,
        "µs",
        baseline / each,
    );
    line(
        &format!("catch-up of {n} messages from the relay, each"),
        time / each,
        "µs",
        baseline / each,
    );
    line(
        &format!("catch-up of {n} messages from the relay"),
        time,
        "ms",
        baseline,
    );
}

async fn count(of: &Client, sql: &'static str) -> i64 {
    let database = of.app().database().unwrap();
    let read = database.read::<_, DbError>(move |tx| Ok(tx.query_row(sql, [], |row| row.get(0))?));
    read.await.unwrap()
}

fn engine_alone(n: usize) -> Duration {
    let (alice, bob) = acquainted();
    let id = alice.start(&bob);
    alice.write(move |tx| {
        (0..n).try_for_each(|n| compose::text(tx, &id, &format!("message {n}")).map(drop))
    });
    let mut time = Duration::ZERO;
    loop {
        let puts = alice.seal(&bob);
        if puts.is_empty() {
            return time;
        }
        let incoming: Vec<_> = puts.iter().map(|put| alice.delivery(put)).collect();
        let begun = Instant::now();
        for batch in incoming.chunks(BATCH) {
            bob.receive_batch(batch.to_vec());
        }
        time += begun.elapsed();
    }
}
