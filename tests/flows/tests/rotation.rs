//! The delegate key is replaced, recovered, lost and taken back, between people who write to each
//! other (docs/protocol.md §1.10 to §1.13).
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use sotto_core::db::{DbError, peers};
use sotto_core::views::{AppState, HoldView, MessageState};
use sotto_testkit::{Client, Relay, network, until};
use sotto_wire::did::Did;
use std::time::Duration;

/// The delegate key that someone has pinned of someone, as `did:key`.
async fn pinned(by: &Client, of: &Client) -> String {
    let did = Did::parse(&of.account.did).unwrap();
    let database = by.app().database().unwrap();
    let read = database.read::<_, DbError>(move |tx| peers::by_did(tx, &did));
    read.await.unwrap().unwrap().pin.key.to_did_key()
}

/// Own key.
async fn key(of: &Client) -> String {
    pinned(of, of).await
}

/// Replaces the key and writes its words down.
async fn rotate(who: &Client) -> Vec<String> {
    let before = key(who).await;
    let state = who.app().rotate_key().await.unwrap();
    assert!(matches!(state, AppState::Ready { .. }), "{state:?}");
    assert_ne!(key(who).await, before);
    who.online().await;
    written_down(who).await
}

/// Reads the words and confirms that they are written down.
async fn written_down(who: &Client) -> Vec<String> {
    let words = who.app().recovery_words().await.unwrap();
    assert_eq!(words.len(), 24);
    who.app().confirm_recovery_words().await.unwrap();
    let once = who.app().recovery_words().await.unwrap_err();
    assert_eq!(once.code, "recovery.not_shown_again");
    words
}

/// Writes after an hour: time to look at the other's account again.
async fn write_later(who: &Client, to: &Client, text: &str) {
    // Not a second more: key packages are valid from an hour before they were made, and MLS looks at
    // the real clock.
    who.clock.pass(Duration::from_secs(3599));
    tokio::time::sleep(Duration::from_secs(1)).await;
    who.online().await;
    who.write(to, text).await;
}

async fn sees(who: &Client, of: &Client, key: &str) {
    until("the other's key is seen", || async {
        pinned(who, of).await == key
    })
    .await;
}

async fn hold(who: &Client, on: &Client) -> Option<HoldView> {
    let list = who.app().conversations().await.unwrap();
    let line = list.into_iter().find(|it| it.peer.did == on.account.did);
    line.unwrap().hold
}

async fn held(who: &Client, on: &Client, code: &str) -> HoldView {
    until(&format!("{code} is shown"), || async {
        hold(who, on).await.is_some_and(|it| it.code == code)
    })
    .await;
    hold(who, on).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_and_three_rotations_with_messages_both_ways() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let mut alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    written_down(&alice).await;
    alice.write(&bob, "hello").await;
    bob.hears(&alice, &["hello"]).await;
    bob.write(&alice, "hello back").await;
    alice.hears(&bob, &["hello back"]).await;
    let first = pinned(&bob, &alice).await;
    let (mut from_alice, mut from_bob) = (vec!["hello".to_owned()], vec!["hello back".to_owned()]);
    for round in 1..=3 {
        rotate(&alice).await;
        from_alice.push(format!("alice {round}"));
        alice.write(&bob, from_alice.last().unwrap()).await;
        let texts: Vec<&str> = from_alice.iter().map(String::as_str).collect();
        bob.hears(&alice, &texts).await;
        from_bob.push(format!("bob {round}"));
        bob.write(&alice, from_bob.last().unwrap()).await;
        let texts: Vec<&str> = from_bob.iter().map(String::as_str).collect();
        alice.hears(&bob, &texts).await;
        if round == 2 {
            alice.restart().await;
        }
    }
    alice.delivered(&bob).await;
    bob.delivered(&alice).await;
    // Nobody has looked at the account since: three steps at once.
    assert_eq!(pinned(&bob, &alice).await, first);
    write_later(&bob, &alice, "an hour later").await;
    sees(&bob, &alice, &key(&alice).await).await;
    assert_eq!(hold(&bob, &alice).await, None);
    bob.delivered(&alice).await;

    // And someone who has never heard of any of it.
    let carol = Client::ready(network(), "carol", 1, relays.1.domain()).await;
    carol.write(&alice, "new here").await;
    alice.hears(&carol, &["new here"]).await;
    alice.write(&carol, "welcome").await;
    carol.hears(&alice, &["welcome"]).await;
    carol.delivered(&alice).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_contact_lies_in_the_mailbox_while_the_key_is_replaced() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let mut bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    bob.stop().await;
    alice.write(&bob, "under the first key").await;
    until("it is in the mailbox", || async {
        alice.states(&bob).await == [MessageState::Sent]
    })
    .await;
    rotate(&alice).await;
    rotate(&alice).await;
    bob.start().await.unwrap();
    bob.hears(&alice, &["under the first key"]).await;
    alice.delivered(&bob).await;
    bob.write(&alice, "read").await;
    alice.hears(&bob, &["read"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recovered_from_words_on_a_new_computer() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let mut old = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    let early = written_down(&old).await;
    let words = rotate(&old).await;
    old.write(&bob, "from the old one").await;
    bob.hears(&old, &["from the old one"]).await;
    bob.write(&old, "heard").await;
    old.hears(&bob, &["heard"]).await;
    bob.delivered(&old).await;
    let before = key(&old).await;
    old.stop().await;

    let new = Client::of(network(), old.account.clone()).await;
    let state = new.sign_in().await.unwrap();
    assert!(
        matches!(state, AppState::DelegationElsewhere { .. }),
        "{state:?}"
    );
    let refused = async |words: &[String]| {
        let error = new.app().recover(words.join(" ")).await.unwrap_err();
        error.code
    };
    assert_eq!(refused(&early).await, "recovery.older_key");
    assert_eq!(
        refused(&written_down(&bob).await).await,
        "recovery.other_key"
    );
    assert_eq!(refused(&words[..23]).await, "recovery.word_count");
    let mut swapped = words.clone();
    swapped.swap(0, 1);
    assert!(
        ["recovery.checksum", "recovery.older_key"].contains(&refused(&swapped).await.as_str())
    );
    let state = new.app().recover(words.join("\n")).await.unwrap();
    assert!(matches!(state, AppState::Ready { .. }), "{state:?}");
    new.online().await;
    assert_eq!(key(&new).await, before);

    // The other writes first, as if nothing had happened; it notices within the hour.
    write_later(&bob, &new, "are you there").await;
    new.hears(&bob, &["are you there"]).await;
    bob.delivered(&new).await;
    assert_eq!(hold(&bob, &new).await, None);
    new.write(&bob, "yes, on a new computer").await;
    bob.hears(&new, &["from the old one", "yes, on a new computer"])
        .await;
    new.delivered(&bob).await;

    // And it can be rotated like any other.
    rotate(&new).await;
    new.write(&bob, "rotated").await;
    bob.hears(
        &new,
        &["from the old one", "yes, on a new computer", "rotated"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_lost_and_the_change_accepted() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let mut old = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    old.write(&bob, "before").await;
    bob.hears(&old, &["before"]).await;
    bob.write(&old, "heard").await;
    old.hears(&bob, &["heard"]).await;
    bob.delivered(&old).await;
    old.stop().await;

    let new = Client::of(network(), old.account.clone()).await;
    new.sign_in().await.unwrap();
    let wrong = new.app().replace_key("bob.example".into()).await;
    assert_eq!(wrong.unwrap_err().code, "confirmation.other_handle");
    let state = new
        .app()
        .replace_key(new.account.handle.clone())
        .await
        .unwrap();
    let AppState::Ready { account } = state else {
        panic!("{state:?}")
    };
    assert!(account.words_due);
    new.online().await;
    // The new device writes at once; Bob does not let it in.
    new.write(&bob, "it is me").await;
    let change = held(&bob, &new, "account.key_changed").await;
    assert_eq!(change.key.as_deref(), Some(key(&new).await.as_str()));
    let waiting = bob.write(&new, "is it you").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let id = bob.conversation(&new).await;
    let shown = bob
        .app()
        .messages_by_id(vec![waiting])
        .await
        .unwrap()
        .remove(0);
    assert_eq!(shown.state, MessageState::Sending);
    assert_eq!(shown.error.unwrap().code, "account.key_changed");
    assert_eq!(new.heard(&bob).await, Vec::<String>::new());
    assert_eq!(bob.heard(&new).await, ["before"]);

    // Only the key that was shown.
    let other = key(&bob).await;
    let refused = bob.app().accept_key_change(id.clone(), other).await;
    assert_eq!(refused.unwrap_err().code, "account.key_changed");
    let accepted = bob.app().accept_key_change(id, change.key.unwrap()).await;
    assert_eq!(accepted.unwrap().hold, None);
    new.hears(&bob, &["is it you"]).await;
    bob.hears(&new, &["before", "it is me"]).await;
    bob.delivered(&new).await;
    new.delivered(&bob).await;
}

/// The first contact lies in the mailbox of a device that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn everything_lost_before_the_first_contact_was_read() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let mut old = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    old.stop().await;
    bob.write(&old, "never read").await;

    let new = Client::of(network(), old.account.clone()).await;
    new.sign_in().await.unwrap();
    let handle = new.account.handle.clone();
    new.app().replace_key(handle).await.unwrap();
    new.online().await;
    new.write(&bob, "it is me").await;
    let change = held(&bob, &new, "account.key_changed").await;
    let id = bob.conversation(&new).await;
    let accepted = bob.app().accept_key_change(id, change.key.unwrap()).await;
    assert_eq!(accepted.unwrap().hold, None);
    bob.write(&new, "after it").await;
    new.hears(&bob, &["never read", "after it"]).await;
    bob.hears(&new, &["it is me"]).await;
    bob.delivered(&new).await;
    new.delivered(&bob).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegation_that_is_taken_back_and_given_again() {
    let relays = (Relay::start(network()).await, Relay::start(network()).await);
    let alice = Client::ready(network(), "alice", 0, relays.0.domain()).await;
    let bob = Client::ready(network(), "bob", 1, relays.1.domain()).await;
    alice.write(&bob, "before").await;
    bob.hears(&alice, &["before"]).await;
    bob.write(&alice, "heard").await;
    alice.hears(&bob, &["heard"]).await;
    bob.delivered(&alice).await;
    let before = pinned(&bob, &alice).await;

    let state = alice.app().revoke().await.unwrap();
    assert!(matches!(state, AppState::SettingUp { .. }), "{state:?}");
    write_later(&bob, &alice, "gone?").await;
    let change = held(&bob, &alice, "account.no_delegation").await;
    assert_eq!(change.key, None);

    let state = alice.set_up(relays.0.domain()).await.unwrap();
    assert!(matches!(state, AppState::Ready { .. }), "{state:?}");
    alice.online().await;
    assert_eq!(alice.heard(&bob).await, ["heard"]);
    alice.write(&bob, "back again").await;
    bob.hears(&alice, &["before", "back again"]).await;
    assert_eq!(pinned(&bob, &alice).await, before);
    alice.hears(&bob, &["heard", "gone?"]).await;
    assert_eq!(hold(&bob, &alice).await, None);
    bob.delivered(&alice).await;
    alice.delivered(&bob).await;
}
