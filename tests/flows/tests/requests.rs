//! From whom first messages come straight in, and what happens to the others (docs/protocol.md §3.5).
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use sotto_core::views::{IncomingPolicy, MessageState, RequestView};
use sotto_testkit::{Cli, Client, Proxy, Relay, network, until};
use std::time::Duration;

/// Longer than an answer that goes out by itself takes.
const A_WHILE: Duration = Duration::from_millis(2500);

async fn choose(client: &Client, policy: IncomingPolicy) {
    let view = client.app().set_incoming(policy).await.unwrap();
    assert!(view.published && view.incoming == policy);
}

/// The only request, as soon as it says this.
async fn request(of: &Client, texts: &[&str]) -> RequestView {
    until(&format!("a request that says {texts:?}"), || async {
        let waiting = of.app().requests().await.unwrap().requests;
        let says = |it: &RequestView| {
            let said = it.messages.iter().map(|it| it.text.as_deref().unwrap());
            said.eq(texts.iter().copied())
        };
        matches!(&waiting[..], [one] if says(one))
    })
    .await;
    of.app().requests().await.unwrap().requests.remove(0)
}

async fn sent(from: &Client, to: &Client, n: usize) {
    until("sent", || async {
        from.states(to).await == vec![MessageState::Sent; n]
    })
    .await;
}

/// How often something was put into a mailbox of the relay behind the proxy.
fn puts(proxy: &Proxy) -> usize {
    let seen = proxy.recorded();
    let needle = b"POST /pmr/v1/inbox/";
    seen.windows(needle.len())
        .filter(|window| window == needle)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_waits_unseen_until_accepted() {
    let proxy = Proxy::start().await;
    let _alices = Relay::behind(network(), proxy.target(), &proxy.domain()).await;
    let bobs = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, &proxy.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, bobs.domain()).await;
    choose(&bob, IncomingPolicy::Following).await;

    alice.write(&bob, "hello").await;
    request(&bob, &["hello"]).await;
    // Not provisioned: the second one takes the same way.
    alice.write(&bob, "it is alice").await;
    let waiting = request(&bob, &["hello", "it is alice"]).await;
    assert_eq!(waiting.peer.handle, alice.account.handle);
    assert!(waiting.peer.avatar.is_none() && waiting.peer.display_name.is_none());
    sent(&alice, &bob, 2).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(bob.app().conversations().await.unwrap(), []);
    bob.restart().await;
    bob.online().await;
    tokio::time::sleep(A_WHILE).await;
    let again = request(&bob, &["hello", "it is alice"]).await;
    assert_eq!(again, waiting);
    assert_eq!(alice.states(&bob).await, vec![MessageState::Sent; 2]);
    assert_eq!(puts(&proxy), 0, "the recipient has put something");

    let accepted = bob.app().accept_request(waiting.id.clone()).await.unwrap();
    assert_eq!((accepted.id, accepted.unread), (waiting.id, 2));
    bob.hears(&alice, &["hello", "it is alice"]).await;
    alice.delivered(&bob).await;
    assert!(puts(&proxy) > 0, "the search can find something");
    assert!(bob.app().requests().await.unwrap().requests.is_empty());
    until("name and picture", || async {
        let peer = bob.app().conversations().await.unwrap().remove(0).peer;
        peer.avatar.is_some() && peer.display_name.is_some()
    })
    .await;
    alice.write(&bob, "third").await;
    bob.write(&alice, "fourth").await;
    bob.hears(&alice, &["hello", "it is alice", "third"]).await;
    alice.hears(&bob, &["fourth"]).await;
    bob.delivered(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_declined_notices_nothing() {
    let proxy = Proxy::start().await;
    let _alices = Relay::behind(network(), proxy.target(), &proxy.domain()).await;
    let bobs = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, &proxy.domain()).await;
    let bob = Client::ready(network(), "bob", 1, bobs.domain()).await;
    choose(&bob, IncomingPolicy::None).await;
    alice.write(&bob, "hello").await;
    let waiting = request(&bob, &["hello"]).await;
    bob.app().decline_request(waiting.id.clone()).await.unwrap();
    let error = bob.app().decline_request(waiting.id.clone()).await;
    assert_eq!(error.unwrap_err().code, "conversation.unknown");
    tokio::time::sleep(A_WHILE).await;
    // For an hour the relay drops what comes, and answers as ever.
    alice.write(&bob, "hello?").await;
    sent(&alice, &bob, 2).await;
    tokio::time::sleep(A_WHILE).await;
    let after = bob.app().requests().await.unwrap();
    assert_eq!((after.requests, after.dropped), (Vec::new(), 0));
    assert_eq!(bob.app().conversations().await.unwrap(), []);
    assert_eq!(puts(&proxy), 0, "the recipient has put something");
}

#[tokio::test(flavor = "multi_thread")]
async fn followed_accounts_come_straight_in() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    let carol = Client::ready(network(), "carol", 0, relay.domain()).await;
    choose(&bob, IncomingPolicy::Following).await;
    bob.follow(&alice).await;
    // Following back is not what counts.
    carol.follow(&bob).await;
    carol.write(&bob, "from carol").await;
    let waiting = request(&bob, &["from carol"]).await;
    assert_eq!(waiting.peer.did, carol.account.did);
    alice.write(&bob, "from alice").await;
    bob.hears(&alice, &["from alice"]).await;
    alice.delivered(&bob).await;
    assert_eq!(bob.app().conversations().await.unwrap().len(), 1);
    assert_eq!(carol.states(&bob).await, [MessageState::Sent]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_new_and_writing_to_one_who_waits() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    let carol = Client::ready(network(), "carol", 1, relay.domain()).await;
    carol.write(&bob, "before").await;
    bob.hears(&carol, &["before"]).await;
    choose(&bob, IncomingPolicy::None).await;
    bob.follow(&alice).await;
    alice.write(&bob, "hello").await;
    request(&bob, &["hello"]).await;
    // Whom one knows already is not concerned.
    carol.write(&bob, "after").await;
    bob.hears(&carol, &["before", "after"]).await;
    assert_eq!(alice.states(&bob).await, [MessageState::Sent]);

    bob.write(&alice, "hello yourself").await;
    alice.hears(&bob, &["hello yourself"]).await;
    bob.hears(&alice, &["hello"]).await;
    alice.delivered(&bob).await;
    assert!(bob.app().requests().await.unwrap().requests.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_command_line() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    choose(&bob, IncomingPolicy::None).await;
    alice.write(&bob, "hello").await;
    request(&bob, &["hello"]).await;
    bob.stop().await;
    let (cli, handle) = (Cli::of(&bob), alice.account.handle.clone());
    let printed = |arguments: &[&str]| {
        let output = cli.run(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(printed(&["incoming"]), "none\n");
    assert_eq!(printed(&["requests"]), format!("{handle}\thello\n"));
    printed(&["accept", &handle]);
    assert_eq!(printed(&["requests"]), "");
    assert_eq!(printed(&["read", &handle]), format!("{handle}: hello\n"));
    let unknown = cli.run(&["decline", &handle]);
    assert_eq!(unknown.status.code(), Some(1));
}
