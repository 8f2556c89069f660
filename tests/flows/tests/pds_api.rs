//! Accounts whose PDSes offer the API of delegations.
#![expect(
    clippy::expect_used,
    reason = "clippy counts only the test functions themselves as tests"
)]

use sotto_testkit::{Client, Network, PdsApi, Relay};

/// What a directory says about an account.
async fn document(network: &Network, did: &str) -> String {
    // Not `join`: a DID alone would be a URL of its own.
    let url = format!("{}{did}", network.plc());
    let client = reqwest::Client::builder().no_proxy().build();
    let answer = client.expect("a client").get(url).send().await;
    let text = answer.expect("the directory answers").text().await;
    text.expect("a document")
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_puts_the_key_into_the_document_and_messages_pass() {
    let network = Network::behind();
    let _apis = (
        PdsApi::start(&network, 0).await,
        PdsApi::start(&network, 1).await,
    );
    let relay = Relay::start(&network).await;
    let alice = Client::new(&network, "alice", 0).await;
    let before = document(&network, &alice.account.did).await;
    assert!(!before.contains("#e2ee"), "{before}");
    alice.sign_in().await.unwrap();
    alice.set_up(relay.domain()).await.unwrap();
    let after = document(&network, &alice.account.did).await;
    assert!(after.contains("#e2ee"), "{after}");

    let bob = Client::ready(&network, "bob", 1, relay.domain()).await;
    alice.write(&bob, "through").await;
    bob.hears(&alice, &["through"]).await;
    bob.write(&alice, "and back").await;
    alice.hears(&bob, &["and back"]).await;

    // Another installation finds the key taken, and nothing is overwritten.
    let second = Client::of(&network, alice.account.clone()).await;
    second.sign_in().await.unwrap();
    assert!(second.set_up(relay.domain()).await.is_err());
    assert_eq!(document(&network, &alice.account.did).await, after);
}
