//! Accounts that move from one relay to another (docs/protocol.md §4.9): nothing is lost, nothing
//! doubled, nothing out of order, whatever becomes of the relay of before.
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use sotto_core::db::DbError;
use sotto_core::views::RelayView;
use sotto_testkit::{Cli, Client, Relay, network, until};
use std::time::Duration;

const MANY: usize = 150;
const DAY: Duration = Duration::from_secs(86_400);

fn numbered(n: usize) -> Vec<String> {
    (1..=n).map(|n| format!("message {n}")).collect()
}

async fn arrives_once_and_in_order(to: &Client, from: &Client, expected: &[String]) {
    let last = expected.len();
    until("everything", || async {
        to.heard(from).await.len() >= last
    })
    .await;
    from.delivered(to).await;
    assert_eq!(to.heard(from).await, expected);
}

async fn write_all(from: &Client, to: &Client, texts: &[String]) {
    let conversation = from.conversation(to).await;
    for text in texts {
        let sent = from
            .app()
            .send_text(conversation.clone(), text.clone(), None)
            .await;
        sent.unwrap();
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

async fn acquainted(alice: &Client, bob: &Client) {
    alice.write(bob, "hello").await;
    bob.hears(alice, &["hello"]).await;
    bob.write(alice, "hello you").await;
    alice.hears(bob, &["hello you"]).await;
    alice.delivered(bob).await;
    bob.delivered(alice).await;
}

async fn move_to(who: &Client, relay: &Relay) -> RelayView {
    let url = format!("http://{}", relay.domain());
    let view = who.app().move_relay(url).await.unwrap();
    assert_eq!(
        (view.domain.as_str(), view.moving.is_none()),
        (relay.domain(), true)
    );
    view
}

async fn relay(of: &Client) -> RelayView {
    of.app().relay().await.unwrap()
}

async fn count(of: &Client, sql: &'static str) -> i64 {
    let database = of.app().database().unwrap();
    let read = database.read::<_, DbError>(move |tx| Ok(tx.query_row(sql, [], |row| row.get(0))?));
    read.await.unwrap()
}

fn heard_before(texts: &[String]) -> Vec<String> {
    let mut all = vec!["hello".to_owned()];
    all.extend_from_slice(texts);
    all
}

fn answered_before(texts: &[String]) -> Vec<String> {
    let mut all = vec!["hello you".to_owned()];
    all.extend_from_slice(texts);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn while_messages_fly_both_ways_and_strangers_find_who_moved() {
    let (old, new, far) = (
        Relay::start(network()).await,
        Relay::start(network()).await,
        Relay::start(network()).await,
    );
    let alice = Client::ready(network(), "alice", 0, old.domain()).await;
    let bob = Client::ready(network(), "bob", 1, far.domain()).await;
    acquainted(&alice, &bob).await;
    let (there, back) = (numbered(MANY), numbered(MANY));
    let moving = async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        move_to(&alice, &new).await;
    };
    tokio::join!(
        write_all(&alice, &bob, &there),
        write_all(&bob, &alice, &back),
        moving
    );
    arrives_once_and_in_order(&bob, &alice, &heard_before(&there)).await;
    arrives_once_and_in_order(&alice, &bob, &answered_before(&back)).await;
    until("bob has followed", || async {
        relay(&alice).await.former[0].awaited_peers == 0
    })
    .await;
    // Someone who never heard of the relay of before.
    let carol = Client::ready(network(), "carol", 1, far.domain()).await;
    carol.write(&alice, "new here").await;
    alice.hears(&carol, &["new here"]).await;
    // What was left is left for good, once nobody can come there any more.
    let registered = "SELECT count(*) FROM former_relay";
    assert_eq!(count(&alice, registered).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_while_the_other_moved_follows_when_it_comes_back() {
    let (old, new, far) = (
        Relay::start(network()).await,
        Relay::start(network()).await,
        Relay::start(network()).await,
    );
    let mut alice = Client::ready(network(), "alice", 0, old.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, far.domain()).await;
    acquainted(&alice, &bob).await;
    bob.stop().await;
    let there = numbered(20);
    write_all(&alice, &bob, &there).await;
    move_to(&alice, &new).await;
    assert_eq!(relay(&alice).await.former[0].awaited_peers, 1);
    alice.stop().await;
    bob.start().await.unwrap();
    // Alice is away: what Bob writes waits at whichever relay he knows.
    let back = numbered(20);
    write_all(&bob, &alice, &back).await;
    until("taken by a relay", || async {
        count(&bob, "SELECT count(*) FROM put WHERE accepted = 0").await == 0
    })
    .await;
    alice.start().await.unwrap();
    arrives_once_and_in_order(&bob, &alice, &heard_before(&there)).await;
    arrives_once_and_in_order(&alice, &bob, &answered_before(&back)).await;
    until("bob has followed", || async {
        relay(&alice).await.former[0].awaited_peers == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_gone_for_good_before_the_move_takes_nothing_with_it() {
    let (mut old, new, far) = (
        Relay::start(network()).await,
        Relay::start(network()).await,
        Relay::start(network()).await,
    );
    let mut alice = Client::ready(network(), "alice", 0, old.domain()).await;
    let bob = Client::ready(network(), "bob", 1, far.domain()).await;
    acquainted(&alice, &bob).await;
    alice.stop().await;
    let back = numbered(40);
    write_all(&bob, &alice, &back).await;
    until("taken by the relay", || async {
        count(&bob, "SELECT count(*) FROM put WHERE accepted = 0").await == 0
    })
    .await;
    // With everything that it had promised.
    old.kill();
    alice.start().await.unwrap();
    let later = vec!["message 41".to_owned()];
    write_all(&bob, &alice, &later).await;
    move_to(&alice, &new).await;
    arrives_once_and_in_order(&alice, &bob, &answered_before(&numbered(41))).await;
    alice.write(&bob, "moved").await;
    arrives_once_and_in_order(&bob, &alice, &heard_before(&["moved".to_owned()])).await;
    let former = &relay(&alice).await.former[0];
    assert_eq!((former.awaited_peers, former.reached_at), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_dies_right_after_the_move_takes_nothing_with_it_and_one_can_go_back() {
    let (mut old, new, far) = (
        Relay::start(network()).await,
        Relay::start(network()).await,
        Relay::start(network()).await,
    );
    let alice = Client::ready(network(), "alice", 0, old.domain()).await;
    let bob = Client::ready(network(), "bob", 1, far.domain()).await;
    acquainted(&alice, &bob).await;
    let back = numbered(60);
    let moving = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        move_to(&alice, &new).await;
        old.kill();
    };
    tokio::join!(write_all(&bob, &alice, &back), moving);
    arrives_once_and_in_order(&alice, &bob, &answered_before(&back)).await;
    // It is there again: back to it while the other one is collected from.
    old.restart().await;
    let view = move_to(&alice, &old).await;
    assert_eq!(view.former.len(), 1);
    assert_eq!(view.former[0].domain, new.domain());
    bob.write(&alice, "back again").await;
    let all = [back, vec!["back again".to_owned()]].concat();
    arrives_once_and_in_order(&alice, &bob, &answered_before(&all)).await;
    alice.write(&bob, "me too").await;
    arrives_once_and_in_order(&bob, &alice, &heard_before(&["me too".to_owned()])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_a_move_is_either_done_or_was_never_begun() {
    let relays = (
        Relay::start(network()).await,
        Relay::start(network()).await,
        Relay::start(network()).await,
    );
    let mut alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relays.2.domain()).await;
    acquainted(&alice, &bob).await;
    let (mut written, mut done) = (Vec::new(), 0);
    for (n, ms) in [150, 250, 350, 450, 550, 700, 900, 1200]
        .into_iter()
        .enumerate()
    {
        let to = [relays.1.domain(), relays.0.domain()][n % 2].to_owned();
        alice.stop().await;
        let mut running = Cli::of(&alice).start(&["move-relay", &format!("http://{to}")], "");
        tokio::time::sleep(Duration::from_millis(ms)).await;
        // SIGKILL.
        running.kill().unwrap();
        running.wait().unwrap();
        let text = format!("after kill {n}");
        bob.write(&alice, &text).await;
        written.push(text);
        alice.start().await.unwrap();
        until("the move is done, or was never begun", || async {
            relay(&alice).await.moving.is_none()
        })
        .await;
        done += usize::from(relay(&alice).await.domain == to);
        arrives_once_and_in_order(&alice, &bob, &answered_before(&written)).await;
        // The record says what this device does.
        assert_eq!(
            named_by_the_record(&alice).await,
            relay(&alice).await.domain
        );
    }
    assert!(done > 0, "none of the moves got anywhere");
    alice.write(&bob, "still here").await;
    arrives_once_and_in_order(&bob, &alice, &heard_before(&["still here".to_owned()])).await;
}

/// The relay that the account's record names.
async fn named_by_the_record(of: &Client) -> String {
    let did = &of.account.did;
    let url = format!(
        "{}/xrpc/com.atproto.repo.getRecord?repo={did}&collection=chat.sotto.delegation&rkey=self",
        of.account.pds
    );
    let answer = reqwest::get(url).await.unwrap().text().await.unwrap();
    let (_, rest) = answer.split_once("\"domain\":\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_none_or_takes_nobody_changes_nothing() {
    let (old, new) = (Relay::start(network()).await, Relay::start(network()).await);
    let alice = Client::ready(network(), "alice", 0, old.domain()).await;
    let tried = |relay: String| {
        let app = alice.app().clone();
        async move { app.move_relay(relay).await.unwrap_err().code }
    };
    assert_eq!(tried("not a domain".into()).await, "relay.domain_invalid");
    assert_eq!(
        tried(format!("http://{}", old.domain())).await,
        "relay.same"
    );
    // A server that is no relay.
    let host = network().control().port().unwrap();
    assert_eq!(
        tried(format!("http://localhost:{host}")).await,
        "relay.not_a_relay"
    );
    assert_eq!(
        tried("http://localhost:9".into()).await,
        "relay.unreachable"
    );
    // A relay that answers under another name than its own takes nobody in.
    let proxy = sotto_testkit::Proxy::start().await;
    let _elsewhere = Relay::behind(network(), proxy.target(), new.domain()).await;
    let refused = tried(format!("http://{}", proxy.domain())).await;
    assert!(refused.starts_with("relay."), "{refused}");
    let view = relay(&alice).await;
    assert_eq!(view.domain, old.domain());
    assert!(view.moving.is_none() && view.former.is_empty());
    assert_eq!(named_by_the_record(&alice).await, old.domain());
    let bob = Client::ready(network(), "bob", 1, old.domain()).await;
    bob.write(&alice, "as before").await;
    alice.hears(&bob, &["as before"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_left_for_good_when_everybody_has_followed() {
    let (old, new, far) = (
        Relay::start(network()).await,
        Relay::start(network()).await,
        Relay::start(network()).await,
    );
    let mut alice = Client::ready(network(), "alice", 0, old.domain()).await;
    let bob = Client::ready(network(), "bob", 1, far.domain()).await;
    acquainted(&alice, &bob).await;
    move_to(&alice, &new).await;
    until("bob has followed", || async {
        relay(&alice).await.former[0].awaited_peers == 0
    })
    .await;
    assert_eq!(registrations(&old), 1);
    // Two days pass. (Not by the clock: the relay's stays, and time ends nothing where they disagree.)
    let database = alice.app().database().unwrap();
    let two_days = i64::try_from(2 * DAY.as_millis()).unwrap();
    let write = database.write::<_, DbError>(move |tx| {
        tx.execute("UPDATE former_relay SET left_at = left_at - ?1", [two_days])?;
        Ok(())
    });
    write.await.unwrap();
    alice.restart().await;
    until("the relay is left", || async {
        relay(&alice).await.former.is_empty()
    })
    .await;
    assert_eq!(registrations(&old), 0);
    bob.write(&alice, "and on").await;
    alice.hears(&bob, &["hello you", "and on"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_set_back_to_before_its_move_finds_out_from_its_record() {
    let (old, new, far) = (
        Relay::start(network()).await,
        Relay::start(network()).await,
        Relay::start(network()).await,
    );
    let mut alice = Client::ready(network(), "alice", 0, old.domain()).await;
    let bob = Client::ready(network(), "bob", 1, far.domain()).await;
    acquainted(&alice, &bob).await;
    alice.stop().await;
    let image = tempfile::tempdir().unwrap();
    copy(&alice.data_dir(), image.path());
    alice.start().await.unwrap();
    move_to(&alice, &new).await;
    until("bob has followed", || async {
        relay(&alice).await.former[0].awaited_peers == 0
    })
    .await;
    alice.stop().await;
    copy(image.path(), &alice.data_dir());
    alice.start().await.unwrap();
    until("it is where its record says", || async {
        let view = alice.app().relay().await;
        view.is_ok_and(|it| it.domain == new.domain() && it.moving.is_none())
    })
    .await;
    alice.online().await;
    alice.write(&bob, "set back").await;
    bob.hears(&alice, &["hello", "set back"]).await;
    bob.write(&alice, "and there").await;
    alice.hears(&bob, &["hello you", "and there"]).await;
}

/// Puts a copy of a data directory in the place of another one.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(to).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::remove_file(path).unwrap();
        }
    }
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => {
                let below = to.join(path.file_name().unwrap());
                std::fs::create_dir_all(&below).unwrap();
                copy(&path, &below);
            }
            false => {
                std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            }
        }
    }
}

fn registrations(at: &Relay) -> i64 {
    let database = rusqlite::Connection::open(at.database()).unwrap();
    database
        .query_row("SELECT count(*) FROM devices", [], |row| row.get(0))
        .unwrap()
}
