#![allow(missing_docs)]
use sotto_core::db::DbError;
use sotto_core::views::MessageState;
use sotto_testkit::{Client, Relay, network, Proxy};
use std::time::Duration;

async fn dump(c: &Client, sql: &'static str) {
    let db = c.app().database().unwrap();
    let out = db.read::<_, DbError>(move |tx| {
        let mut s = tx.prepare(sql)?;
        let n = s.column_count();
        let rows: Vec<String> = s.query_map([], |r| {
            let mut v = vec![];
            for i in 0..n { v.push(format!("{:?}", r.get_ref(i)?).chars().take(40).collect::<String>()); }
            Ok(v.join(" | "))
        })?.collect::<Result<_, _>>()?;
        Ok(rows)
    }).await.unwrap();
    println!("== {sql}");
    for o in out { println!("{o}"); }
}
fn numbered(n: usize) -> Vec<String> {
    (1..=n).map(|n| format!("message {n}")).collect()
}
#[tokio::test(flavor = "multi_thread")]
async fn debug() {
    for i in 0..3 { println!("round {i}"); once().await; }
}
async fn once() {
    let proxy = Proxy::start().await;
    let relay = Relay::behind(network(), proxy.target(), &proxy.domain()).await;
    let alice = Client::ready(network(), "alice", 0, &proxy.domain()).await;
    let bob = Client::ready(network(), "bob", 1, &proxy.domain()).await;
    let conversation = alice.conversation(&bob).await;
    let answers = bob.conversation(&alice).await;
    proxy.break_within(60_000);
    let (there, back) = (numbered(100), numbered(50));
    for (n, text) in there.iter().enumerate() {
        alice.app().send_text(conversation.clone(), text.clone()).await.unwrap();
        if let Some(text) = back.get(n) {
            bob.app().send_text(answers.clone(), text.clone()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    proxy.break_within(0);
    let t = std::time::Instant::now();
    for _ in 0..500 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if alice.states(&bob).await.iter().all(|s| *s == MessageState::Delivered) && bob.states(&alice).await.iter().all(|s| *s == MessageState::Delivered) { println!("ok {:?}", t.elapsed()); return; }
    }
    for c in [&alice, &bob] {
        println!("################ now {:?}", c.app().connection().await);
        dump(c, "select unixepoch()*1000").await;
        dump(c, "select id, send_group, seq, peer_device, held_grant, next_at, accepted, failures from put").await;
        dump(c, "select * from outbox").await;
        dump(c, "select * from frame").await;
        dump(c, "select id, processed, ack_due from read_group").await;
        dump(c, "select send_group, peer_device, acked from send_member").await;
        dump(c, "select id,peer_device,host from held_grant").await;
        dump(c, "select id, code from quarantine").await;
    }
    println!("{}", sotto_testkit::logged());
    println!("{}", relay.log());
    panic!();
}
