//! Messages between two accounts that nothing stands in the way of, except sometimes the network.

use sotto_core::views::MessageState;
use sotto_testkit::{Client, Proxy, Relay, network, until};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn first_message_answer_and_ticks_both_ways() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    alice.write(&bob, "hello").await;
    bob.hears(&alice, &["hello"]).await;
    alice.delivered(&bob).await;

    let seen = &bob.app().conversations().await.unwrap()[0];
    assert_eq!(seen.peer.handle, alice.account.handle);
    assert!(seen.peer.display_name.is_some() && seen.peer.avatar.is_some());
    assert_eq!((seen.unread, seen.preview.as_deref()), (1, Some("hello")));
    bob.app().mark_read(seen.id.clone()).await.unwrap();
    assert_eq!(bob.app().conversations().await.unwrap()[0].unread, 0);

    bob.write(&alice, "hello yourself").await;
    alice.hears(&bob, &["hello yourself"]).await;
    bob.delivered(&alice).await;
    alice.write(&bob, "third").await;
    bob.hears(&alice, &["hello", "third"]).await;
    alice.delivered(&bob).await;
    // Both sides have one conversation, and the same one.
    let ids = (
        alice.conversation(&bob).await,
        bob.conversation(&alice).await,
    );
    assert_eq!(ids.0, ids.1);
    assert_eq!(alice.app().conversations().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn crossing_first_contacts_are_one_conversation() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    tokio::join!(
        alice.write(&bob, "from alice"),
        bob.write(&alice, "from bob")
    );
    alice.hears(&bob, &["from bob"]).await;
    bob.hears(&alice, &["from alice"]).await;
    alice.delivered(&bob).await;
    bob.delivered(&alice).await;
    for n in 0..5 {
        let (a, b) = (format!("a{n}"), format!("b{n}"));
        tokio::join!(alice.write(&bob, &a), bob.write(&alice, &b));
    }
    bob.hears(&alice, &["from alice", "a0", "a1", "a2", "a3", "a4"])
        .await;
    alice
        .hears(&bob, &["from bob", "b0", "b1", "b2", "b3", "b4"])
        .await;
    assert_eq!(alice.app().conversations().await.unwrap().len(), 1);
    assert_eq!(bob.app().conversations().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_messages_wait_for_someone_who_is_away() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    alice.write(&bob, "first").await;
    bob.hears(&alice, &["first"]).await;
    alice.delivered(&bob).await;
    bob.stop().await;
    let expected: Vec<String> = (0..200).map(|n| format!("message {n}")).collect();
    for text in &expected {
        alice.write(&bob, text).await;
    }
    until("all sent", || async {
        let states = alice.states(&bob).await;
        states.len() == 201 && states.iter().skip(1).all(|it| *it == MessageState::Sent)
    })
    .await;
    bob.start().await.unwrap();
    until("all there", || async {
        bob.heard(&alice).await.len() >= 201
    })
    .await;
    alice.delivered(&bob).await;
    assert_eq!(bob.heard(&alice).await[1..], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_messages_to_someone_who_has_never_been_online_since() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    bob.stop().await;
    let expected: Vec<String> = (0..20).map(|n| format!("message {n}")).collect();
    for text in &expected {
        alice.write(&bob, text).await;
    }
    until("as many as may be outstanding are sent", || async {
        let states = alice.states(&bob).await;
        states
            .iter()
            .filter(|it| **it == MessageState::Sent)
            .count()
            == 16
    })
    .await;
    bob.start().await.unwrap();
    alice.delivered(&bob).await;
    assert_eq!(bob.heard(&alice).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_restart_and_go_on() {
    let relay = Relay::start(network()).await;
    let mut alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    alice.write(&bob, "one").await;
    bob.hears(&alice, &["one"]).await;
    alice.restart().await;
    bob.restart().await;
    assert_eq!(bob.heard(&alice).await, ["one"]);
    alice.write(&bob, "two").await;
    bob.hears(&alice, &["one", "two"]).await;
    bob.write(&alice, "three").await;
    alice.hears(&bob, &["three"]).await;
    alice.delivered(&bob).await;
    bob.delivered(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn written_without_a_network_and_sent_with_it() {
    let proxy = Proxy::start().await;
    let _relay = Relay::behind(network(), proxy.target(), &proxy.domain()).await;
    let mut alice = Client::ready(network(), "alice", 0, &proxy.domain()).await;
    let bob = Client::ready(network(), "bob", 1, &proxy.domain()).await;
    let conversation = alice.conversation(&bob).await;
    proxy.refuse(true);
    for text in ["one", "two", "three"] {
        alice
            .app()
            .send_text(conversation.clone(), text.to_owned(), None)
            .await
            .unwrap();
    }
    until("the reason is shown", || async {
        let page = alice
            .app()
            .messages(conversation.clone(), None, 10)
            .await
            .unwrap();
        page.iter().all(|it| {
            it.error
                .as_ref()
                .is_some_and(|error| error.code == "relay.unreachable")
        })
    })
    .await;
    alice.restart().await;
    proxy.refuse(false);
    alice.online().await;
    bob.hears(&alice, &["one", "two", "three"]).await;
    alice.delivered(&bob).await;
    let page = alice.app().messages(conversation, None, 10).await.unwrap();
    assert!(page.iter().all(|it| it.error.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_written_to_is_named() {
    let relay = Relay::start(network()).await;
    let alice = Client::ready(network(), "alice", 0, relay.domain()).await;
    let without = network().account("carol", 1).await;
    for (handle, code) in [
        (without.handle.as_str(), "account.no_delegation"),
        ("nobody.pds1.test", "handle.unknown"),
        ("not a handle", "handle.invalid"),
        (alice.account.handle.as_str(), "account.self"),
    ] {
        let error = alice
            .app()
            .start_conversation(handle.to_owned())
            .await
            .unwrap_err();
        assert_eq!(error.code, code, "{handle}");
    }
    assert_eq!(alice.app().conversations().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_sleep_the_connection_is_made_anew() {
    let proxy = Proxy::start().await;
    let _relay = Relay::behind(network(), proxy.target(), &proxy.domain()).await;
    let alice = Client::ready(network(), "alice", 0, &proxy.domain()).await;
    let before = proxy.recorded().len();
    alice.clock.pass(Duration::from_secs(3600));
    until("a new handshake", || async {
        let recorded = proxy.recorded();
        String::from_utf8_lossy(&recorded[before..]).contains("GET /pmr/v1/events")
    })
    .await;
    alice.online().await;
}
