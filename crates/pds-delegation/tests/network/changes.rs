//! Creating, updating, deleting: record and DID document say the same at every step.

use serde_json::{Value, json};
use sotto_identity::did_document::Anchor;
use sotto_wire::claim::Claim;
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::did::Did;
use sotto_wire::key::SigningKey;
use sotto_wire::pds_api::{CREATE, DELETE, UPDATE};
use sotto_wire::random::OsRandom;
use sotto_wire::time::{Clock as _, SystemClock};

use crate::account::Account;
use crate::fixture::{anchor, get, log_of, network};

fn key() -> SigningKey {
    SigningKey::generate(&OsRandom)
}

#[tokio::test]
async fn create_update_delete() {
    let alice = Account::new("alice", 0).await;
    let (network, now) = (network(), SystemClock.now());
    let nothing = alice.delegation().await;
    assert_eq!((nothing.record, nothing.document_key), (None, None));
    assert_eq!(nothing.audience.as_str(), alice.audience());

    let first = key();
    let cid = alice.create(&first).await;
    assert_eq!(anchor(&alice.did).await, Anchor::Key(first.public()));
    let before = network.verify_account(&alice.did, None, now).await.unwrap();
    assert_eq!(before.key(), &first.public());
    let got = alice.delegation().await;
    assert_eq!(got.document_key, Some(first.public().to_did_key()));
    assert_eq!(got.cid.as_deref(), Some(cid.as_str()));
    let document = network.did_document(&alice.did).await.unwrap();
    let proved = sotto_identity::repo::prove(
        &got.car,
        &alice.did,
        &document.signing_key,
        "chat.sotto.delegation",
        "self",
    );
    assert_eq!(proved.unwrap().record, got.record);

    // Those who knew the first key follow the succession to the second.
    let second = key();
    let chain = [alice.succession(&first, &second, 1)];
    let input = json!({"record": alice.record(&second, 2, &chain), "swapRecord": cid});
    let (status, updated) = alice.call(UPDATE, &input).await;
    assert_eq!(status, 200, "{updated}");
    assert_eq!(updated["documentKey"], second.public().to_did_key());
    assert_eq!(anchor(&alice.did).await, Anchor::Key(second.public()));
    let pin = before.pin();
    let after = network.verify_account(&alice.did, Some(&pin), now).await;
    assert_eq!(after.unwrap().key(), &second.public());

    let input = json!({"swapRecord": updated["cid"]});
    assert_eq!(alice.call(DELETE, &input).await, (200, json!({})));
    assert_eq!(anchor(&alice.did).await, Anchor::Absent);
    let gone = network.verify_account(&alice.did, None, now).await;
    assert_eq!(gone.unwrap_err().code(), "account.no_delegation");
    let got = alice.delegation().await;
    assert_eq!((got.record, got.cid, got.document_key), (None, None, None));

    // Nothing else of the account has changed in the log.
    let log = log_of(&alice.did).await;
    assert_eq!(log.len(), 4);
    let rest = |operation: &Value| {
        let mut rest = operation.clone();
        let fields = rest.as_object_mut().unwrap();
        fields.remove("prev");
        fields.remove("sig");
        rest["verificationMethods"]
            .as_object_mut()
            .unwrap()
            .remove("e2ee");
        rest
    };
    assert!(log.iter().all(|operation| rest(operation) == rest(&log[0])));
}

#[tokio::test]
async fn the_same_again_changes_nothing() {
    let account = Account::new("repeater", 0).await;
    let key = key();
    let input = json!({"record": account.record(&key, 1, &[])});
    let first = account.call(CREATE, &input).await;
    assert_eq!(first.0, 200);
    assert_eq!(account.call(CREATE, &input).await, first);
    assert_eq!(log_of(&account.did).await.len(), 2);
    let delete = json!({"swapRecord": first.1["cid"]});
    for _ in 0..2 {
        assert_eq!(account.call(DELETE, &delete).await.0, 200);
    }
    assert_eq!(log_of(&account.did).await.len(), 3);
}

#[tokio::test]
async fn a_newer_claim_of_the_same_key_leaves_the_document_alone() {
    let account = Account::new("renewer", 0).await;
    let key = key();
    let cid = account.create(&key).await;
    let input = json!({"record": account.record(&key, 2, &[]), "swapRecord": cid});
    assert_eq!(account.call(UPDATE, &input).await.0, 200);
    assert_eq!(log_of(&account.did).await.len(), 2);
    let late = json!({"record": account.record(&key, 2, &[]), "swapRecord": cid});
    assert_eq!(account.refused(UPDATE, &late).await, "InvalidSwap");
}

#[tokio::test]
async fn what_may_not_follow_is_refused_and_changes_nothing() {
    let account = Account::new("chooser", 0).await;
    let (first, other) = (key(), key());
    let cid = account.create(&first).await;
    let update = |record: Value| json!({"record": record, "swapRecord": cid});
    let again = json!({"record": account.record(&first, 2, &[])});
    assert_eq!(account.refused(CREATE, &again).await, "InvalidSwap");
    for (input, name) in [
        (update(account.record(&first, 1, &[])), "ClaimNotNewer"),
        (update(account.record(&other, 2, &[])), "Unendorsed"),
        (
            update(account.record(&other, 2, &[account.succession(&other, &first, 1)])),
            "InvalidRecord",
        ),
        (
            json!({"record": account.record(&first, 2, &[]), "swapRecord": "x"}),
            "InvalidSwap",
        ),
        (
            json!({"record": account.record(&first, 2, &[])}),
            "InvalidRequest",
        ),
        (update(json!("record")), "InvalidRecord"),
    ] {
        assert_eq!(account.refused(UPDATE, &input).await, name, "{input}");
    }
    let stale =
        json!({"swapRecord": "bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae"});
    assert_eq!(account.refused(DELETE, &stale).await, "InvalidSwap");
    let stands = account.delegation().await;
    assert_eq!(stands.cid.as_deref(), Some(cid.as_str()));
    assert_eq!(anchor(&account.did).await, Anchor::Key(first.public()));

    let mut meant = update(account.record(&other, 2, &[]));
    meant["unendorsed"] = json!(true);
    assert_eq!(account.call(UPDATE, &meant).await.0, 200);
    assert_eq!(anchor(&account.did).await, Anchor::Key(other.public()));
}

#[tokio::test]
async fn a_key_that_only_the_document_names_has_to_endorse_too() {
    let account = Account::new("returner", 0).await;
    let (first, other) = (key(), key());
    account.create(&first).await;
    // Deleted behind the service's back: the document still names the key.
    let url = account.xrpc("com.atproto.repo.deleteRecord");
    let input = json!({
        "repo": account.did, "collection": "chat.sotto.delegation", "rkey": "self",
    });
    let deleted = crate::fixture::post(url.into(), Some(&account.access), &input).await;
    assert_eq!(deleted.0, 200);
    let bare = json!({"record": account.record(&other, 1, &[])});
    assert_eq!(account.refused(CREATE, &bare).await, "Unendorsed");
    let chain = [account.succession(&first, &other, 1)];
    let endorsed = json!({"record": account.record(&other, 1, &chain)});
    assert_eq!(account.call(CREATE, &endorsed).await.0, 200);
    assert_eq!(anchor(&account.did).await, Anchor::Key(other.public()));
}

#[tokio::test]
async fn a_claim_that_is_not_the_keys_for_this_account_is_refused() {
    let account = Account::new("forger", 0).await;
    let (key, other) = (key(), key());
    let with = |claim: &Claim, signer: &SigningKey| {
        let record = DelegationRecord {
            key: claim.key,
            domain: claim.domain.clone(),
            claim: claim.sign(signer),
            succession: Vec::new(),
            incoming: claim.incoming,
            created_at: String::new(),
        };
        json!({"record": record.to_json()})
    };
    let forged = with(&account.claim(&key, 1), &other);
    assert_eq!(account.refused(CREATE, &forged).await, "InvalidClaim");
    let somebody = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap();
    let stolen = Claim {
        did: somebody,
        ..account.claim(&key, 1)
    };
    assert_eq!(
        account.refused(CREATE, &with(&stolen, &key)).await,
        "InvalidClaim"
    );
    let mut moved = with(&account.claim(&key, 1), &key);
    moved["record"]["domain"] = json!("localhost:6666");
    assert_eq!(account.refused(CREATE, &moved).await, "InvalidClaim");
    assert_eq!(log_of(&account.did).await.len(), 1);
    assert_eq!(account.delegation().await.record, None);
}

#[tokio::test]
async fn accounts_of_others_are_not_answered_for() {
    let elsewhere = Account::new("neighbour", 1).await;
    let here = Account::new("resident", 0).await;
    for did in [elsewhere.did.as_str(), "did:web:example.com"] {
        let url = format!("{}?did={did}", here.xrpc("chat.sotto.getDelegation"));
        let (status, body) = get(url).await;
        assert_eq!((status, &body["error"]), (400, &json!("NotHosted")));
    }
    for query in ["", "?did=alice", "?did="] {
        let url = format!("{}{query}", here.xrpc("chat.sotto.getDelegation"));
        let (status, body) = get(url).await;
        assert_eq!((status, &body["error"]), (400, &json!("InvalidRequest")));
    }
}
