//! Anchoring against a real PDS and directory (docs/protocol.md §1.7).

use serde_json::Value;
use sotto_identity::anchoring::AnchoringError;
use sotto_identity::did_document::Anchor;
use sotto_identity::oauth::{IdentityPermission, OAuthError};
use sotto_identity::verify::VerifyError;
use sotto_wire::key::PublicKey;

use super::*;
use crate::fixture::{directory, mailed_code};

async fn permission(account: &Account) -> IdentityPermission {
    let pending = oauth(&network(), &Arc::default())
        .ask_for_identity(&account.did)
        .await
        .unwrap();
    let user = User::of(account).approve(pending.authorize_url());
    let (permission, _) = tokio::join!(pending.finish(), async {
        visit(&user.await.unwrap()).await
    });
    permission.unwrap()
}

/// As the user does it: with a code out of the mailbox.
async fn anchor(
    account: &Account,
    permission: &IdentityPermission,
    key: Option<&PublicKey>,
) -> Result<(), AnchoringError> {
    permission.request_code().await?;
    permission.anchor(key, &mailed_code(account).await).await
}

async fn e2ee(account: &Account) -> Anchor {
    network().did_document(&account.did).await.unwrap().e2ee
}

/// What the log says last, without what differs from operation to operation.
async fn said(account: &Account) -> Value {
    let mut last = directory(&format!("{}/log/last", account.did)).await;
    let fields = last.as_object_mut().unwrap();
    fields.remove("prev");
    fields.remove("sig");
    if let Some(methods) = fields.get_mut("verificationMethods") {
        methods.as_object_mut().unwrap().remove("e2ee");
    }
    last
}

#[tokio::test]
async fn anchors_replaces_and_removes_and_nothing_else_is_lost() {
    let account = create_account("anchorer", 0).await;
    let before = said(&account).await;
    assert_eq!(e2ee(&account).await, Anchor::Absent);
    let permission = permission(&account).await;
    let keys = [1, 2].map(|seed| SigningKey::from_seed(&[seed; 32]).public());
    for wanted in [Some(&keys[0]), Some(&keys[1]), None] {
        let due = network()
            .is_anchoring_due(&account.did, wanted, SystemClock.now())
            .await;
        assert_eq!(due, Ok(true));
        anchor(&account, &permission, wanted).await.unwrap();
        let expected = wanted.map_or(Anchor::Absent, |key| Anchor::Key(*key));
        assert_eq!(e2ee(&account).await, expected);
        assert_eq!(said(&account).await, before);
    }
    let log = directory(&format!("{}/log", account.did)).await;
    assert_eq!(log.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn an_anchored_account_is_verified_and_a_contradiction_is_seen() {
    let account = create_account("agreeing", 0).await;
    let session = sign_in(&account, &Arc::default()).await;
    let key = SigningKey::generate(&OsRandom);
    let record = delegation(&account.did, &key, 1);
    session.put_delegation(&record, None).await.unwrap();
    let permission = permission(&account).await;
    anchor(&account, &permission, Some(&key.public()))
        .await
        .unwrap();
    permission.end().await;
    let now = SystemClock.now();
    let verified = network().verify_account(&account.did, None, now).await;
    assert_eq!(verified.unwrap().key(), &key.public());
    // The session beside it goes on, and what it writes is compared with the document.
    let published = session.get_delegation().await.unwrap().unwrap();
    let other = delegation(&account.did, &SigningKey::generate(&OsRandom), 2);
    session
        .put_delegation(&other, Some(&published.cid))
        .await
        .unwrap();
    let contradicted = network().verify_account(&account.did, None, now).await;
    assert_eq!(contradicted.err(), Some(VerifyError::Contradicted));
}

#[tokio::test]
async fn a_wrong_code_changes_nothing_and_a_code_works_once() {
    let account = create_account("mistyper", 0).await;
    let permission = permission(&account).await;
    let key = SigningKey::from_seed(&[3; 32]).public();
    permission.request_code().await.unwrap();
    for wrong in ["AAAAA-AAAAA", "nonsense", "ABCDE"] {
        let outcome = permission.anchor(Some(&key), wrong).await;
        assert_eq!(outcome, Err(AnchoringError::WrongCode), "{wrong}");
    }
    assert_eq!(e2ee(&account).await, Anchor::Absent);
    let code = mailed_code(&account).await;
    let typed = format!(" {} ", code.to_lowercase());
    permission.anchor(Some(&key), &typed).await.unwrap();
    let again = permission.anchor(None, &code).await;
    assert_eq!(again, Err(AnchoringError::WrongCode));
    assert_eq!(e2ee(&account).await, Anchor::Key(key));
}

#[tokio::test]
async fn a_permission_that_was_given_up_is_worth_nothing() {
    let account = create_account("ender", 0).await;
    let permission = permission(&account).await;
    permission.clone().end().await;
    let outcome = permission.request_code().await;
    assert_eq!(outcome, Err(AnchoringError::PermissionEnded));
}

#[tokio::test]
async fn the_permission_may_be_denied() {
    let account = create_account("careful", 0).await;
    let pending = oauth(&network(), &Arc::default())
        .ask_for_identity(&account.did)
        .await
        .unwrap();
    let user = User::of(&account).deny(pending.authorize_url());
    let (outcome, _) = tokio::join!(pending.finish(), async {
        visit(&user.await.unwrap()).await
    });
    assert_eq!(outcome.err(), Some(OAuthError::Denied));
}

#[tokio::test]
async fn the_directory_refuses_more_than_ten_an_hour() {
    let account = create_account("restless", 0).await;
    let permission = permission(&account).await;
    let keys = [4, 5].map(|seed| SigningKey::from_seed(&[seed; 32]).public());
    // The log has begun with one of them.
    for turn in 0..9 {
        anchor(&account, &permission, Some(&keys[turn % 2]))
            .await
            .unwrap();
    }
    let outcome = anchor(&account, &permission, None).await;
    assert_eq!(outcome, Err(AnchoringError::RateLimited));
    assert_eq!(e2ee(&account).await, Anchor::Key(keys[0]));
}
