//! A rotation that the network interrupts. The only test of its binary: it takes a server away.
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use sotto_core::db::DbError;
use sotto_core::views::AppState;
use sotto_testkit::{Client, Relay, network, until};

async fn server(action: &str) {
    let url = network()
        .control()
        .join(&format!("pds/0/{action}"))
        .unwrap();
    let answer = reqwest::Client::new().post(url).send().await.unwrap();
    assert!(answer.status().is_success(), "{action}");
}

async fn count(of: &Client, sql: &'static str) -> i64 {
    let database = of.app().database().unwrap();
    let read = database.read::<_, DbError>(move |tx| Ok(tx.query_row(sql, [], |row| row.get(0))?));
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_with_the_next_start() {
    let relay = Relay::start(network()).await;
    let mut alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    alice.write(&bob, "before").await;
    bob.hears(&alice, &["before"]).await;
    server("pause").await;
    let error = alice.app().rotate_key().await.unwrap_err();
    assert_eq!(error.code, "pds.unreachable");
    assert_eq!(count(&alice, "SELECT count(*) FROM own_pending").await, 1);
    // Nothing has changed: the key in use is the one that is published.
    alice.write(&bob, "in between").await;
    bob.hears(&alice, &["before", "in between"]).await;
    alice.stop().await;
    server("resume").await;
    alice.restart().await;
    until("the rotation is done", || async {
        let state = alice.app().state().await.unwrap();
        matches!(state, AppState::Ready { .. })
            && count(&alice, "SELECT count(*) FROM own_succession").await == 1
    })
    .await;
    assert_eq!(count(&alice, "SELECT count(*) FROM own_pending").await, 0);
    alice.online().await;
    alice.write(&bob, "after").await;
    bob.hears(&alice, &["before", "in between", "after"]).await;
    let carol = Client::ready(network(), "carol", 1, relay.domain()).await;
    carol.write(&alice, "under the new key").await;
    alice.hears(&carol, &["under the new key"]).await;
}
