//! Against a real PLC directory and real PDSes on loopback (`tests/network`). Where that network
//! cannot be started these tests fail.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy counts only the test functions themselves as tests"
)]

use std::sync::Arc;

use serde_json::{Value, json};
use sotto_identity::Network;
use sotto_identity::germ::GermError;
use sotto_identity::handle::{Handle, ResolveError};
use sotto_identity::oauth::{OAuth, OAuthError, Session};
use sotto_identity::pds_api::Published;
use sotto_identity::verify::{Known, Level, VerifiedAccount, VerifyError};
use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::key::SigningKey;
use sotto_wire::random::OsRandom;
use sotto_wire::time::{Clock, SystemClock};

#[path = "network/anchoring.rs"]
mod anchoring;
#[path = "network/fixture.rs"]
mod fixture;

use fixture::{
    Account, MemoryStore, User, control, create_account, network, set_verification_methods,
    verification_methods, visit,
};

/// The PDS that tests pause; accounts of the others live on PDS 0.
const PAUSED: usize = 1;
const FOLLOW: &str = "app.bsky.graph.follow";

fn oauth(network: &Network, store: &Arc<MemoryStore>) -> OAuth {
    OAuth::new(
        network.clone(),
        Arc::clone(store) as _,
        Arc::new(SystemClock),
        Arc::new(OsRandom),
    )
}

async fn sign_in(account: &Account, store: &Arc<MemoryStore>) -> Session {
    let pending = oauth(&network(), store)
        .sign_in(&account.handle)
        .await
        .unwrap();
    let user = User::of(account).approve(pending.authorize_url());
    let (session, callback) = tokio::join!(pending.finish(), async {
        visit(&user.await.unwrap()).await
    });
    assert!(callback.contains("You can return to Sotto."), "{callback}");
    session.unwrap()
}

fn delegation(did: &Did, key: &SigningKey, seq: u64) -> DelegationRecord {
    let claim = Claim {
        did: did.clone(),
        key: key.public(),
        domain: Domain::parse("localhost:7777").unwrap(),
        incoming: Incoming::Everyone,
        seq,
        issued_at: SystemClock.now(),
    };
    DelegationRecord {
        key: key.public(),
        domain: claim.domain.clone(),
        claim: claim.sign(key),
        succession: Vec::new(),
        incoming: claim.incoming,
        created_at: SystemClock.now().rfc3339(),
    }
}

#[tokio::test]
async fn signs_in_publishes_and_is_verified_by_others() {
    let account = create_account("publisher", 0).await;
    let network = network();
    let now = SystemClock.now();
    let before = network
        .verify_account(&account.did, None, now)
        .await
        .unwrap_err();
    assert_eq!(before.code(), "account.no_delegation");

    let session = sign_in(&account, &Arc::default()).await;
    assert_eq!(session.did(), &account.did);
    assert!(session.get_delegation().await.unwrap().is_none());
    let key = SigningKey::generate(&OsRandom);
    let record = delegation(&account.did, &key, 1);
    session.put_delegation(&record, None).await.unwrap();
    let published = session.get_delegation().await.unwrap().unwrap();
    assert_eq!(published.record.as_ref(), Some(&record));

    let handle = &account.handle;
    let did = network.resolve_handle(handle).await.unwrap();
    let first = network
        .verify_contact(handle, &did, None, now)
        .await
        .unwrap();
    assert_eq!((first.key(), first.handle()), (&key.public(), Some(handle)));
    assert_eq!(
        (first.domain().as_str(), first.level()),
        ("localhost:7777", Level::Vended)
    );
    let mut by_did = network
        .verify_account(&did, Some(&first.pin()), now)
        .await
        .unwrap();
    network.confirm_handle(&mut by_did).await;
    assert_eq!(by_did.handle(), Some(handle));

    let newer = delegation(&account.did, &key, 2);
    session
        .put_delegation(&newer, Some(&published.cid))
        .await
        .unwrap();
    let second = network
        .verify_account(&did, Some(&first.pin()), now)
        .await
        .unwrap();
    assert!(second.pin().repo_rev > first.pin().repo_rev);
    let other = delegation(&account.did, &SigningKey::generate(&OsRandom), 3);
    let current = session.get_delegation().await.unwrap().unwrap().cid;
    session
        .put_delegation(&other, Some(&current))
        .await
        .unwrap();
    let changed = network
        .verify_account(&did, Some(&second.pin()), now)
        .await
        .unwrap_err();
    assert_eq!(changed.code(), "account.key_changed");
}

async fn verify_after(
    account: &Account,
    before: Option<&VerifiedAccount>,
) -> Result<VerifiedAccount, VerifyError> {
    let pin = before.map(VerifiedAccount::pin);
    let known = Known {
        pin: pin.as_ref(),
        log: before.and_then(VerifiedAccount::log),
    };
    let now = SystemClock.now();
    network().verify_account(&account.did, known, now).await
}

#[tokio::test]
async fn a_key_in_the_operation_log_anchors_the_account() {
    let account = create_account("logged", 0).await;
    let session = sign_in(&account, &Arc::default()).await;
    let key = SigningKey::generate(&OsRandom);
    let record = delegation(&account.did, &key, 1);
    session.put_delegation(&record, None).await.unwrap();
    let vended = verify_after(&account, None).await.unwrap();
    assert_eq!(vended.level(), Level::Vended);
    assert_eq!(vended.log().unwrap().len(), 1);

    let without = verification_methods(&account.did).await;
    let with = |key: &SigningKey| {
        let mut methods = without.clone();
        methods["e2ee"] = key.public().to_did_key().into();
        methods
    };
    set_verification_methods(&account, &with(&key)).await;
    let anchored = verify_after(&account, Some(&vended)).await.unwrap();
    assert_eq!(anchored.level(), Level::Anchored);
    assert_eq!(anchored.log().unwrap().len(), 2);
    let since = anchored.pin().evidence.anchored.unwrap();
    assert!(since.cid.starts_with("bafyrei"));
    assert!(since.created_at.abs_diff(SystemClock.now_ms()) < 60_000);

    let other = SigningKey::generate(&OsRandom);
    set_verification_methods(&account, &with(&other)).await;
    let contradicted = verify_after(&account, Some(&anchored)).await;
    assert_eq!(contradicted.unwrap_err(), VerifyError::Contradicted);

    set_verification_methods(&account, &without).await;
    let removed = verify_after(&account, Some(&anchored)).await.unwrap();
    assert_eq!(removed.level(), Level::Vended);
    assert!(removed.pin().evidence.unanchored.is_some());
    assert!(removed.log().unwrap().extends(anchored.log().unwrap()));
}

#[tokio::test]
async fn a_record_made_meanwhile_is_not_overwritten() {
    let account = create_account("racer", 0).await;
    let session = sign_in(&account, &Arc::default()).await;
    // Made once each: a second one is of another second.
    let [one, two, three, four] =
        [1, 2, 3, 4].map(|seq| delegation(&account.did, &SigningKey::from_seed(&[9; 32]), seq));
    session.put_delegation(&one, None).await.unwrap();
    assert_eq!(
        session.put_delegation(&two, None).await,
        Err(OAuthError::RecordChanged)
    );
    let first = session.get_delegation().await.unwrap().unwrap();
    assert_eq!(first.record, Some(one));
    session
        .put_delegation(&three, Some(&first.cid))
        .await
        .unwrap();
    let late = session.put_delegation(&four, Some(&first.cid)).await;
    assert_eq!(late, Err(OAuthError::RecordChanged));
    let last = session.get_delegation().await.unwrap().unwrap();
    assert_eq!(last.record.unwrap().claim, three.claim);
}

/// This PDS has no API of delegations (docs/protocol.md §1.9).
#[tokio::test]
async fn where_the_pds_offers_no_api_the_record_is_written_alone() {
    let account = create_account("plain", 0).await;
    let session = sign_in(&account, &Arc::default()).await;
    let record = |seq| delegation(&account.did, &SigningKey::from_seed(&[9; 32]), seq);
    let one = record(1);
    let written = session.publish_delegation(&one, None, false).await;
    assert_eq!(written, Ok(Published::RecordOnly));
    let again = session.publish_delegation(&record(2), None, false).await;
    assert_eq!(again, Err(OAuthError::RecordChanged));
    let first = session.get_delegation().await.unwrap().unwrap();
    assert_eq!(first.record, Some(one));
    let replaced = session
        .publish_delegation(&record(2), Some(&first.cid), false)
        .await;
    assert_eq!(replaced, Ok(Published::RecordOnly));
    let stale = session.withdraw_delegation(&first.cid).await;
    assert_eq!(stale, Err(OAuthError::RecordChanged));
    let last = session.get_delegation().await.unwrap().unwrap();
    let withdrawn = session.withdraw_delegation(&last.cid).await;
    assert_eq!(withdrawn, Ok(Published::RecordOnly));
    assert!(session.get_delegation().await.unwrap().is_none());
}

#[tokio::test]
async fn a_user_may_say_no() {
    let account = create_account("denier", 0).await;
    let pending = oauth(&network(), &Arc::default())
        .sign_in(&account.handle)
        .await
        .unwrap();
    let user = User::of(&account).deny(pending.authorize_url());
    let (outcome, page) = tokio::join!(pending.finish(), async {
        visit(&user.await.unwrap()).await
    });
    assert_eq!(outcome.err(), Some(OAuthError::Denied));
    assert!(page.contains("You did not allow the sign-in."), "{page}");
}

#[tokio::test]
async fn a_wrong_password_leaves_the_sign_in_waiting() {
    let account = create_account("forgetful", 0).await;
    let pending = oauth(&network(), &Arc::default())
        .sign_in(&account.handle)
        .await
        .unwrap();
    let (user, canceller) = (User::of(&account), pending.canceller());
    let wrong = user.mistype(pending.authorize_url());
    let finish = tokio::spawn(pending.finish());
    assert_eq!(wrong.await, Err(3), "the page refuses");
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!finish.is_finished());
    canceller.cancel();
    assert_eq!(finish.await.unwrap().err(), Some(OAuthError::Cancelled));
}

#[tokio::test]
async fn a_code_that_is_not_the_servers_gives_no_session() {
    let account = create_account("guesser", 0).await;
    let pending = oauth(&network(), &Arc::default())
        .sign_in(&account.handle)
        .await
        .unwrap();
    let callback = User::of(&account)
        .approve(pending.authorize_url())
        .await
        .unwrap();
    let forged = callback.replace("code=cod-", "code=cod-0");
    assert_ne!(forged, callback);
    let (outcome, _) = tokio::join!(pending.finish(), visit(&forged));
    assert_eq!(outcome.err(), Some(OAuthError::ExchangeFailed));
}

#[tokio::test]
async fn a_session_survives_a_restart_and_refreshes() {
    let account = create_account("restarter", 0).await;
    let store = Arc::default();
    drop(sign_in(&account, &store).await);
    let refresh_token = |store: &MemoryStore| store.session()["refresh_token"].clone();
    let before = refresh_token(&store);
    store.change(|session| session["expires_at"] = Value::from(0));
    let session = oauth(&network(), &store)
        .restore(&account.did)
        .await
        .unwrap();
    let record = delegation(&account.did, &SigningKey::from_seed(&[8; 32]), 1);
    session.put_delegation(&record, None).await.unwrap();
    assert_ne!(refresh_token(&store), before);
}

#[tokio::test]
async fn a_session_that_was_signed_out_has_ended_for_copies_too() {
    let account = create_account("leaver", 0).await;
    let store = Arc::default();
    let session = sign_in(&account, &store).await;
    let copy = Arc::new(MemoryStore::copy_of(&store));
    session.sign_out().await.unwrap();
    let gone = oauth(&network(), &store).restore(&account.did).await;
    assert_eq!(gone.err(), Some(OAuthError::Expired));

    copy.change(|session| session["expires_at"] = Value::from(0));
    let stolen = oauth(&network(), &copy)
        .restore(&account.did)
        .await
        .unwrap();
    let record = delegation(&account.did, &SigningKey::from_seed(&[8; 32]), 1);
    assert_eq!(
        stolen.put_delegation(&record, None).await,
        Err(OAuthError::Expired)
    );
    assert!(copy.is_empty());
}

#[tokio::test]
async fn a_handle_that_nobody_has_is_unknown() {
    let nobody = Handle::parse("nobody.pds0.test").unwrap();
    assert_eq!(
        network().resolve_handle(&nobody).await,
        Err(ResolveError::Unknown)
    );
    let outcome = oauth(&network(), &Arc::default()).sign_in(&nobody).await;
    assert_eq!(outcome.err().unwrap().code(), "handle.unknown");
}

#[tokio::test]
async fn a_server_that_is_down_is_told_from_everything_else() {
    let account = create_account("downtown", PAUSED).await;
    let (network, now) = (network(), SystemClock.now());
    let oauth = oauth(&network, &Arc::default());
    let pending = oauth.sign_in(&account.handle).await.unwrap();
    let callback = User::of(&account)
        .approve(pending.authorize_url())
        .await
        .unwrap();

    control(&format!("/pds/{PAUSED}/pause")).await;
    let (exchange, _) = tokio::join!(pending.finish(), visit(&callback));
    let verify = network.verify_account(&account.did, None, now).await;
    // Not `sign_in`: this network asks the PDS itself who has a handle.
    let profile = network.profile(&account.did, &account.pds).await;
    control(&format!("/pds/{PAUSED}/resume")).await;

    assert_eq!(exchange.err(), Some(OAuthError::Unreachable));
    let verify = verify.unwrap_err();
    assert_eq!(verify.code(), "pds.unreachable");
    assert!(verify.is_temporary());
    assert!(profile.is_err());
    let again = network
        .verify_account(&account.did, None, now)
        .await
        .unwrap_err();
    assert_eq!(again.code(), "account.no_delegation");
}

#[tokio::test]
async fn reads_what_is_declared_on_germ() {
    let (account, viewer) = (
        create_account("germinal", 0).await,
        create_account("viewer", 1).await,
    );
    let network = network();
    let none = network.germ_declaration(&account.did).await;
    assert_eq!(none.err(), Some(GermError::None));

    let mut record = json!({
        "$type": "com.germnetwork.declaration",
        "version": "1.0.0",
        "currentKey": {"$bytes": "A8qTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58"},
        "messageMe": {
            "showButtonTo": "everyone",
            "messageMeUrl": "https://landing.ger.mx/newUser",
        },
    });
    let publish = async |record: &Value| {
        let collection = "com.germnetwork.declaration";
        account.put_record(collection, "self", record).await;
    };
    let link = async || {
        let found = network.germ_declaration(&account.did).await.unwrap();
        network.germ_link(&found, &viewer.did).await
    };
    publish(&record).await;
    let expected = format!(
        "https://landing.ger.mx/newUser/web#{}+{}",
        account.did, viewer.did
    );
    assert_eq!(link().await.unwrap().as_str(), expected);

    record["messageMe"]["showButtonTo"] = json!("usersIFollow");
    publish(&record).await;
    assert_eq!(link().await, None);
    let follow =
        |who: &Did| json!({"$type": FOLLOW, "subject": who, "createdAt": "2026-01-01T00:00:00Z"});
    account
        .put_record(FOLLOW, "3jzfcijpj2z2a", &follow(&account.did))
        .await;
    assert_eq!(link().await, None, "of somebody else");
    account
        .put_record(FOLLOW, "3jzfcijpj2z2b", &follow(&viewer.did))
        .await;
    assert_eq!(link().await.unwrap().as_str(), expected);

    // Out of another repository: good, but about another account.
    let vectors = include_bytes!("vectors/germ.json");
    let vectors: Value = serde_json::from_slice(vectors).unwrap();
    publish(&vectors["cases"][0]["record"]).await;
    let copied = network.germ_declaration(&account.did).await;
    assert_eq!(copied.err(), Some(GermError::WrongAccount));
}

#[tokio::test]
async fn shows_names_and_pictures() {
    let account = create_account("painter", 0).await;
    let profile = network().profile(&account.did, &account.pds).await.unwrap();
    assert_eq!(profile.display_name.as_deref(), Some("Painter"));
    assert_eq!(profile.avatar.unwrap().mime, "image/png");
    let found = network().suggestions("painte", 5).await.unwrap();
    assert_eq!(
        found.iter().map(|found| &found.did).collect::<Vec<_>>(),
        [&account.did]
    );
}
