//! What happens to the policy for first messages while the own PDS cannot be reached (docs/protocol.md
//! §3.5). In a binary of its own: it pauses a server that others would need.
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use sotto_core::views::{IncomingPolicy, MessageState};
use sotto_testkit::{Client, Relay, network, until};
use tokio::sync::Mutex;

/// Whoever pauses the server is alone.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_that_could_not_be_published_counts_and_is_published_later() {
    let _alone = ALONE.lock().await;
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
    has_request(&bob).await;
    bob.restart().await;
    until("published", || async {
        let policy = bob.app().policy().await.unwrap();
        policy.published && policy.incoming == IncomingPolicy::None
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_one_follows_waits_while_that_cannot_be_proved() {
    let _alone = ALONE.lock().await;
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    bob.follow(&alice).await;
    let chosen = bob.app().set_incoming(IncomingPolicy::Following).await;
    assert!(chosen.unwrap().published);
    // The sender needs that server to begin, so the message goes while the recipient is away.
    bob.stop().await;
    alice.write(&bob, "hello").await;
    until("sent", || async {
        alice.states(&bob).await == [MessageState::Sent]
    })
    .await;
    control("pds/1/pause").await;
    bob.start().await.unwrap();
    has_request(&bob).await;
    control("pds/1/resume").await;
    assert_eq!(bob.app().conversations().await.unwrap(), []);
    assert_eq!(alice.states(&bob).await, [MessageState::Sent]);
}

async fn has_request(of: &Client) {
    until("a request", || async {
        of.app().requests().await.unwrap().requests.len() == 1
    })
    .await;
}

async fn control(path: &str) {
    let url = network().control().join(path).unwrap();
    let answer = reqwest::Client::new().post(url).send().await.unwrap();
    assert!(answer.status().is_success());
}
