//! The delegate key of an account whose DID document names it is replaced, lost and taken back
//! (docs/protocol.md §1.7, §1.9 to §1.13).
#![expect(clippy::unwrap_used, reason = "tests, and what they share")]

use sotto_core::db::DbError;
use sotto_core::views::{
    AnchorStanding, AnchoringStep, AnchoringView, AppState, ErrorView, Level, ProvenanceFinding,
};
use sotto_identity::oauth::{OAuth, SessionStore, StoreError};
use sotto_testkit::{Client, Network, PdsApi, Relay, network, until};
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use sotto_wire::random::OsRandom;
use sotto_wire::time::SystemClock;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

async fn view(of: &Client) -> AnchoringView {
    of.app().anchoring().await.unwrap()
}

/// The `#e2ee` that the directory publishes.
async fn published(network: &Network, of: &Client) -> Option<String> {
    let url = format!("{}{}", network.plc(), of.account.did);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let text = client.get(url).send().await.unwrap().text().await.unwrap();
    let (_, after) = text.split_once("#e2ee")?;
    let (_, after) = after.split_once("publicKeyMultibase\":\"")?;
    Some(format!("did:key:{}", after.split_once('"')?.0))
}

async fn finish(client: &Client) -> Result<AnchoringView, ErrorView> {
    let code = network().mailed_code(&client.account).await;
    client.app().finish_anchoring(code).await
}

/// Puts the account's key into the DID document, with a code.
async fn anchored(name: &str, relay: &Relay) -> Client {
    let client = Client::ready(network(), name, 0, relay.domain()).await;
    client.app().begin_anchoring(false).await.unwrap();
    let done = finish(&client).await.unwrap();
    assert_eq!(done.standing, AnchorStanding::Anchored);
    client
}

/// Replaces the key, with a code; gives the new one.
async fn rotate_with_code(who: &Client) -> String {
    let before = view(who).await.key;
    let state = who.app().rotate_key().await.unwrap();
    assert!(matches!(state, AppState::Ready { .. }), "{state:?}");
    let waiting = view(who).await;
    let next = waiting.successor.unwrap();
    assert_eq!((waiting.key, waiting.step), (before, AnchoringStep::Idle));
    let asked = who.app().begin_anchoring(false).await.unwrap();
    assert_eq!(asked.step, AnchoringStep::Code);
    let done = finish(who).await.unwrap();
    assert_eq!((done.key.as_str(), done.successor), (&*next, None));
    assert_eq!(published(network(), who).await, Some(next.clone()));
    who.online().await;
    next
}

async fn level(by: &Client, of: &Client) -> Level {
    let list = by.app().conversations().await.unwrap();
    let line = list.into_iter().find(|it| it.peer.did == of.account.did);
    let line = line.unwrap();
    assert_eq!(line.hold, None);
    line.peer.level
}

/// Writes after an hour: time to look at the other's account again.
async fn write_later(who: &Client, to: &Client, text: &str) {
    who.clock.pass(Duration::from_secs(3599));
    tokio::time::sleep(Duration::from_secs(1)).await;
    who.online().await;
    who.write(to, text).await;
}

async fn count(of: &Client, sql: &'static str) -> i64 {
    let database = of.app().database().unwrap();
    let read = database.read::<_, DbError>(move |tx| Ok(tx.query_row(sql, [], |row| row.get(0))?));
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchored_key_is_replaced_twice_and_stays_anchored() {
    let relay = Relay::start(network()).await;
    let alice = anchored("alice", &relay).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    bob.write(&alice, "hello").await;
    alice.hears(&bob, &["hello"]).await;
    assert_eq!(level(&bob, &alice).await, Level::Anchored);

    rotate_with_code(&alice).await;
    alice.write(&bob, "one").await;
    bob.hears(&alice, &["one"]).await;
    assert_eq!(level(&bob, &alice).await, Level::Anchored);
    rotate_with_code(&alice).await;
    write_later(&bob, &alice, "later").await;
    alice.hears(&bob, &["hello", "later"]).await;
    alice.write(&bob, "two").await;
    bob.hears(&alice, &["one", "two"]).await;
    assert_eq!(level(&bob, &alice).await, Level::Anchored);

    // Someone new, who also sees which entry of the log names the key.
    let carol = Client::ready(network(), "carol", 1, relay.domain()).await;
    carol.write(&alice, "new here").await;
    alice.hears(&carol, &["new here"]).await;
    alice.write(&carol, "welcome").await;
    carol.hears(&alice, &["welcome"]).await;
    assert_eq!(level(&carol, &alice).await, Level::Anchored);
    let id = carol.conversation(&alice).await;
    let page = carol.app().messages(id, None, 10).await.unwrap();
    let received = page.iter().find(|message| !message.mine).unwrap();
    let shown = carol.app().provenance(received.id).await.unwrap();
    let [.., record, operation] = shown.lines.as_slice() else {
        panic!("{shown:?}")
    };
    assert!(record.value.as_ref().unwrap().starts_with("bafy"));
    assert_eq!(operation.finding, ProvenanceFinding::OperationVerified);
    assert!(operation.value.as_ref().unwrap().starts_with("bafy"));
    assert!(operation.at.unwrap() > 1_600_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_wait_for_the_code_and_be_given_up() {
    let relay = Relay::start(network()).await;
    let mut alice = anchored("alice", &relay).await;
    let first = view(&alice).await.key;
    alice.app().rotate_key().await.unwrap();
    alice.app().begin_anchoring(false).await.unwrap();
    let next = view(&alice).await.successor;
    // The code is never typed in: the successor is there after the next start.
    alice.restart().await;
    let waiting = view(&alice).await;
    assert_eq!(
        (waiting.step, waiting.successor),
        (AnchoringStep::Idle, next)
    );
    let given_up = alice.app().cancel_anchoring().await.unwrap();
    assert_eq!((given_up.key, given_up.successor), (first.clone(), None));
    assert_eq!(count(&alice, "SELECT count(*) FROM own_pending").await, 0);
    assert_eq!(view(&alice).await.successor, None);
    assert_eq!(published(network(), &alice).await, Some(first.clone()));
    // Claims that the present key makes in the meantime do not stand in the way.
    alice.app().rotate_key().await.unwrap();
    for policy in [
        sotto_core::views::IncomingPolicy::None,
        sotto_core::views::IncomingPolicy::Everyone,
    ] {
        alice.app().set_incoming(policy).await.unwrap();
    }
    until("the policy is published", || async {
        alice.app().policy().await.unwrap().published
    })
    .await;
    let next = rotate_with_code(&alice).await;
    assert_ne!(next, first);
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    bob.write(&alice, "under the new key").await;
    alice.hears(&bob, &["under the new key"]).await;
}

/// Nothing of a permission is stored.
struct Nowhere;

#[async_trait::async_trait]
impl SessionStore for Nowhere {
    async fn get(&self, _key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(None)
    }

    async fn set(&self, _key: &str, _value: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn delete(&self, _key: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Changes the document beside the app: what is found after a crash right between the two changes.
async fn document_only(of: &Client, key: &str) {
    let endpoints = of.config(&of.data_dir()).endpoints;
    let oauth = OAuth::new(
        sotto_identity::Network::new(endpoints).unwrap(),
        Arc::new(Nowhere),
        Arc::new(SystemClock),
        Arc::new(OsRandom),
    );
    let did = Did::parse(&of.account.did).unwrap();
    let pending = oauth.ask_for_identity(&did).await.unwrap();
    of.browse(pending.authorize_url());
    let permission = pending.finish().await.unwrap();
    permission.request_code().await.unwrap();
    let code = network().mailed_code(&of.account).await;
    let key = PublicKey::from_did_key(key).unwrap();
    permission.anchor(Some(&key), &code).await.unwrap();
    permission.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_document_and_record_is_gone_on_with() {
    let relay = Relay::start(network()).await;
    let mut alice = anchored("alice", &relay).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    bob.write(&alice, "hello").await;
    alice.hears(&bob, &["hello"]).await;
    alice.app().rotate_key().await.unwrap();
    let next = view(&alice).await.successor.unwrap();
    document_only(&alice, &next).await;
    // Too late to take it back.
    let late = alice.app().cancel_anchoring().await.unwrap_err();
    assert_eq!(late.code, "delegation.published");
    alice.restart().await;
    until("the rotation is done", || async {
        matches!(alice.app().state().await, Ok(AppState::Ready { .. }))
            && view(&alice).await.key == next
    })
    .await;
    assert_eq!(count(&alice, "SELECT count(*) FROM own_pending").await, 0);
    alice.online().await;
    write_later(&bob, &alice, "after").await;
    alice.hears(&bob, &["hello", "after"]).await;
    assert_eq!(level(&bob, &alice).await, Level::Anchored);

    // The same for an account that is taken over.
    alice.stop().await;
    let mut new = Client::of(network(), alice.account.clone()).await;
    new.sign_in().await.unwrap();
    let handle = new.account.handle.clone();
    new.app().replace_key(handle).await.unwrap();
    let next = view(&new).await.successor.unwrap();
    document_only(&new, &next).await;
    let late = new.app().cancel_anchoring().await.unwrap_err();
    assert_eq!(late.code, "delegation.published");
    new.restart().await;
    until("the takeover is done", || async {
        matches!(new.app().state().await, Ok(AppState::Ready { .. }))
    })
    .await;
    assert_eq!(view(&new).await.key, next);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_lost_with_an_anchored_key() {
    let relay = Relay::start(network()).await;
    let mut old = anchored("alice", &relay).await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    bob.write(&old, "before").await;
    old.hears(&bob, &["before"]).await;
    old.write(&bob, "heard").await;
    bob.hears(&old, &["heard"]).await;
    bob.delivered(&old).await;
    let lost = view(&old).await.key;
    old.stop().await;

    let mut new = Client::of(network(), old.account.clone()).await;
    new.sign_in().await.unwrap();
    let handle = new.account.handle.clone();
    let state = new.app().replace_key(handle.clone()).await.unwrap();
    let waits = |state: &AppState| matches!(state, AppState::DelegationElsewhere { .. });
    assert!(waits(&state), "{state:?}");
    let given_up = new.app().cancel_anchoring().await.unwrap();
    assert_eq!(given_up.successor, None);
    assert!(new.app().anchoring().await.is_err());

    new.app().replace_key(handle).await.unwrap();
    let next = view(&new).await.successor.unwrap();
    assert_eq!(published(network(), &new).await, Some(lost));
    // Nothing has changed; the same key waits after the next start.
    new.restart().await;
    assert!(waits(&new.app().state().await.unwrap()));
    assert_eq!(view(&new).await.successor.as_ref(), Some(&next));
    new.app().begin_anchoring(false).await.unwrap();
    let done = finish(&new).await.unwrap();
    assert_eq!((&done.key, done.successor), (&next, None));
    let AppState::Ready { account } = new.app().state().await.unwrap() else {
        panic!("not ready")
    };
    assert!(account.words_due);
    assert_eq!(published(network(), &new).await, Some(next.clone()));
    new.online().await;

    new.write(&bob, "it is me").await;
    let hold = async || {
        let list = bob.app().conversations().await.unwrap();
        list.into_iter().next().unwrap().hold
    };
    until("the change is shown", || async { hold().await.is_some() }).await;
    let shown = hold().await.unwrap();
    assert_eq!(shown.key, Some(next.clone()));
    let id = bob.conversation(&new).await;
    bob.app().accept_key_change(id, next).await.unwrap();
    bob.hears(&new, &["heard", "it is me"]).await;
    bob.write(&new, "welcome back").await;
    new.hears(&bob, &["welcome back"]).await;
    assert_eq!(level(&bob, &new).await, Level::Anchored);
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_back_the_key_stays_in_the_document_and_another_device_is_told() {
    let relay = Relay::start(network()).await;
    let mut old = anchored("alice", &relay).await;
    let key = view(&old).await.key;
    old.app().revoke().await.unwrap();
    assert_eq!(published(network(), &old).await, Some(key.clone()));
    old.stop().await;

    let new = Client::of(network(), old.account.clone()).await;
    new.sign_in().await.unwrap();
    let refused = new.set_up(relay.domain()).await.unwrap_err();
    assert_eq!(refused.code, "delegation.anchored_other");
    // Nothing contradicts the document, for nothing was published; the key follows with a code.
    let own = view(&new).await;
    assert_ne!(own.key, key);
    new.app().begin_anchoring(false).await.unwrap();
    finish(&new).await.unwrap();
    assert_eq!(published(network(), &new).await, Some(own.key));
    let state = new.set_up(relay.domain()).await.unwrap();
    assert!(matches!(state, AppState::Ready { .. }), "{state:?}");
    new.online().await;
    let bob = Client::ready(network(), "bob", 1, relay.domain()).await;
    bob.write(&new, "hello").await;
    new.hears(&bob, &["hello"]).await;
    assert_eq!(level(&bob, &new).await, Level::Anchored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pds_with_the_api_changes_both_without_a_code() {
    let network = Network::behind();
    let _apis = (
        PdsApi::start(&network, 0).await,
        PdsApi::start(&network, 1).await,
    );
    let relay = Relay::start(&network).await;
    let mut alice = Client::ready(&network, "alice", 0, relay.domain()).await;
    let bob = Client::ready(&network, "bob", 1, relay.domain()).await;
    bob.write(&alice, "hello").await;
    alice.hears(&bob, &["hello"]).await;
    assert_eq!(level(&bob, &alice).await, Level::Anchored);
    for _ in 0..2 {
        let before = view(&alice).await.key;
        alice.app().rotate_key().await.unwrap();
        let after = view(&alice).await;
        assert_eq!(after.successor, None);
        assert_ne!(after.key, before);
        assert_eq!(published(&network, &alice).await, Some(after.key));
    }
    alice.online().await;
    write_later(&bob, &alice, "later").await;
    alice.hears(&bob, &["hello", "later"]).await;
    assert_eq!(level(&bob, &alice).await, Level::Anchored);

    alice.stop().await;
    let new = Client::of(&network, alice.account.clone()).await;
    new.sign_in().await.unwrap();
    let handle = new.account.handle.clone();
    let state = new.app().replace_key(handle).await.unwrap();
    assert!(matches!(state, AppState::Ready { .. }), "{state:?}");
    let key = view(&new).await.key;
    assert_eq!(published(&network, &new).await, Some(key));
    new.online().await;
    new.app().revoke().await.unwrap();
    assert_eq!(published(&network, &new).await, None);
}
