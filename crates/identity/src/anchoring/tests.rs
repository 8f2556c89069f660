//! What a real PDS and directory cannot be made to do; the rest is in `tests/network.rs`.

use sotto_wire::key::SigningKey;

use super::*;
use crate::oauth::IDENTITY_SCOPE;

mod directory;
mod double;
mod refusals;
mod tampering;

use double::{CODE, DID, Double, Submitted, operation};

const NOW: Timestamp = Timestamp(1_800_000_000);

fn key(seed: u8) -> PublicKey {
    SigningKey::from_seed(&[seed; 32]).public()
}

fn did() -> Did {
    Did::parse(DID).unwrap()
}

/// What the log said before, with this `e2ee`.
fn with_e2ee(key: Option<&PublicKey>) -> Value {
    let mut wanted = operation();
    if let Some(key) = key {
        wanted["verificationMethods"]["e2ee"] = json!(key.to_did_key());
    }
    wanted
}

fn says(operation: &Value) -> Identity {
    Last::read(operation).unwrap().identity
}

#[tokio::test]
async fn sets_replaces_and_removes_and_keeps_everything_else() {
    let double = Double::new();
    let permission = double.permission().await;
    permission.request_code().await.unwrap();
    let (one, two) = (key(1), key(2));
    for wanted in [Some(&one), Some(&two), None] {
        permission
            .anchor(wanted, &format!(" {CODE}\n"))
            .await
            .unwrap();
        assert_eq!(says(&double.last()), says(&with_e2ee(wanted)));
    }
    assert_eq!(double.posted("signPlcOperation").len(), 3);
    assert_eq!(double.posted("requestPlcOperationSignature"), [""]);
}

#[tokio::test]
async fn the_permission_is_asked_for_apart_and_given_up() {
    let double = Double::new();
    let (permission, store) = double.permit().await;
    let asked = double.posted("/par").pop().unwrap();
    assert!(asked.contains("scope=atproto+identity%3A*"), "{asked}");
    assert!(asked.contains("login_hint=alice.example.com"), "{asked}");
    permission.unwrap().end().await;
    assert_eq!(double.posted("/revoke").len(), 1);
    assert!(store.is_empty(), "nothing is kept");
}

#[tokio::test]
async fn what_is_not_granted_in_full_is_no_permission() {
    let scope = Double::new().with(|state| state.scope = "atproto");
    let outcome = scope
        .permit()
        .await
        .0
        .map(drop)
        .map_err(AnchoringError::from);
    assert_eq!(outcome, Err(AnchoringError::ScopeMissing));
    let part = Double::new().with(|state| state.scope = "atproto identity:handle");
    assert!(part.permit().await.0.is_err());
    let more = Double::new().with(|state| state.scope = "identity:* atproto more");
    assert!(more.permit().await.0.is_ok());
    let denied = Double::new().with(|state| state.consents = false);
    let outcome = denied
        .permit()
        .await
        .0
        .map(drop)
        .map_err(AnchoringError::from);
    assert_eq!(outcome, Err(AnchoringError::Denied));
    assert_eq!(IDENTITY_SCOPE, "atproto identity:*");
}

#[test]
fn the_oldest_form_of_an_operation_is_understood() {
    let create = json!({
        "type": "create", "signingKey": "did:key:zSigning", "recoveryKey": "did:key:zRecovery",
        "handle": "alice.example.com", "service": "pds.example", "prev": null, "sig": "s",
    });
    let expected = json!({
        "rotationKeys": ["did:key:zRecovery", "did:key:zSigning"],
        "verificationMethods": {"atproto": "did:key:zSigning"},
        "alsoKnownAs": ["at://alice.example.com"],
        "services": {"atproto_pds": {
            "type": "AtprotoPersonalDataServer", "endpoint": "https://pds.example",
        }},
    });
    assert_eq!(says(&create).to_json(), expected);
}

#[test]
fn the_owner_of_a_did_web_is_told_what_to_add() {
    let did = Did::parse("did:web:alice.example").unwrap();
    let web = WebAnchor::of(&did, &key(1), false).unwrap();
    assert_eq!(
        web.document.as_str(),
        "https://alice.example/.well-known/did.json"
    );
    let entry: Value = serde_json::from_str(&web.entry).unwrap();
    let document = json!({
        "id": did.as_str(),
        "verificationMethod": [entry, {
            "id": "#atproto", "type": "Multikey",
            "publicKeyMultibase": crate::testing::RepoSigner::k256().multibase(),
        }],
        "service": [{
            "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": "https://pds.example",
        }],
    });
    let read = crate::did_document::DidDocument::from_json(&document, &did, false).unwrap();
    assert_eq!(read.e2ee, Anchor::Key(key(1)));
    assert!(WebAnchor::of(&self::did(), &key(1), false).is_none());
}
