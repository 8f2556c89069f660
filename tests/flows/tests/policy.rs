//! A policy that cannot be published at once. Alone in its binary: it pauses a server that others
//! would need.
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use sotto_core::views::IncomingPolicy;
use sotto_testkit::{Client, Relay, network, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_that_could_not_be_published_counts_and_is_published_later() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    control("pds/1/pause").await;
    let failed = bob.app().set_incoming(IncomingPolicy::None).await;
    let stored = bob.app().policy().await.unwrap();
    control("pds/1/resume").await;
    assert!(failed.is_err());
    assert_eq!(stored.incoming, IncomingPolicy::None);
    assert!(!stored.published);
    alice.write(&bob, "hello").await;
    until("a request", || async {
        bob.app().requests().await.unwrap().requests.len() == 1
    })
    .await;
    bob.restart().await;
    until("published", || async {
        let policy = bob.app().policy().await.unwrap();
        policy.published && policy.incoming == IncomingPolicy::None
    })
    .await;
}

async fn control(path: &str) {
    let url = network().control().join(path).unwrap();
    let answer = reqwest::Client::new().post(url).send().await.unwrap();
    assert!(answer.status().is_success());
}
