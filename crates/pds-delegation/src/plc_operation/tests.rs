use k256::ecdsa::signature::Verifier as _;
use serde_json::json;

use super::*;

fn signer() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn key(byte: u8) -> PublicKey {
    sotto_wire::key::SigningKey::from_seed(&[byte; 32]).public()
}

fn last() -> Value {
    json!({
        "type": "plc_operation",
        "rotationKeys": ["did:key:zother", did_key(&signer())],
        "verificationMethods": {"atproto": "did:key:za", "atproto_label": "did:key:zb"},
        "alsoKnownAs": ["at://alice.example", "https://alice.example"],
        "services": {
            "atproto_pds": {"type": "AtprotoPersonalDataServer", "endpoint": "https://pds.example"},
            "atproto_labeler": {"type": "AtprotoLabeler", "endpoint": "https://mod.example"},
        },
        "prev": null,
        "sig": "c2ln",
    })
}

#[test]
fn the_next_operation_differs_in_one_key_only() {
    let last_read = LastOperation::from_json(last()).unwrap();
    assert_eq!(last_read.e2ee(), None);
    let next = last_read.followed_by(Some(&key(1)), &signer()).unwrap();
    let mut expected = last();
    expected["verificationMethods"]["e2ee"] = json!(key(1).to_did_key());
    expected["prev"] = json!(last_read.cid);
    expected["sig"] = next.json["sig"].clone();
    assert_eq!(next.json, expected);

    let after = LastOperation::from_json(next.json).unwrap();
    assert_eq!(after.cid, next.cid);
    assert_eq!(after.e2ee(), Some(key(1).to_did_key().as_str()));
    let without = after.followed_by(None, &signer()).unwrap();
    let mut expected = last();
    expected["prev"] = json!(after.cid);
    expected["sig"] = without.json["sig"].clone();
    assert_eq!(without.json, expected);
}

#[test]
fn the_signature_is_over_the_operation_without_it_and_low() {
    let last = LastOperation::from_json(last()).unwrap();
    for byte in 1..20 {
        let next = last.followed_by(Some(&key(byte)), &signer()).unwrap();
        let mut operation: PlcOperation = serde_json::from_value(next.json).unwrap();
        let bytes = URL_SAFE_NO_PAD
            .decode(operation.sig.take().unwrap())
            .unwrap();
        let signature = Signature::from_slice(&bytes).unwrap();
        assert!(signature.normalize_s().is_none());
        let unsigned = serde_ipld_dagcbor::to_vec(&operation).unwrap();
        assert!(
            signer()
                .verifying_key()
                .verify(&unsigned, &signature)
                .is_ok()
        );
    }
}

#[test]
fn only_a_rotation_key_may_sign() {
    let last = LastOperation::from_json(last()).unwrap();
    let stranger = SigningKey::from_slice(&[8; 32]).unwrap();
    assert_eq!(last.followed_by(Some(&key(1)), &stranger), None);
}

#[test]
fn what_would_be_lost_is_not_followed() {
    for (field, value) in [
        ("type", json!("plc_tombstone")),
        ("type", json!(7)),
        ("more", json!(1)),
        ("sig", Value::Null),
        ("rotationKeys", json!("did:key:z")),
        (
            "services",
            json!({"atproto_pds": {"type": "x", "endpoint": "y", "more": "z"}}),
        ),
    ] {
        let mut operation = last();
        operation[field] = value;
        assert_eq!(LastOperation::from_json(operation), None, "{field}");
    }
}

#[test]
fn what_the_directory_would_refuse_is_not_made() {
    let mut many = last();
    for n in 0..8 {
        many["verificationMethods"][format!("k{n}")] = json!("did:key:z");
    }
    let many = LastOperation::from_json(many).unwrap();
    assert_eq!(many.followed_by(Some(&key(1)), &signer()), None);
    assert!(many.followed_by(None, &signer()).is_some());
    let mut large = last();
    large["alsoKnownAs"] = json!(["x".repeat(4000)]);
    let large = LastOperation::from_json(large).unwrap();
    assert_eq!(large.followed_by(Some(&key(1)), &signer()), None);
}

#[test]
fn an_operation_of_the_first_form_is_understood() {
    let legacy = json!({
        "type": "create", "signingKey": "did:key:zsign", "recoveryKey": did_key(&signer()),
        "handle": "alice.example", "service": "https://pds.example", "prev": null, "sig": "c2ln",
    });
    let last = LastOperation::from_json(legacy).unwrap();
    let next = last.followed_by(Some(&key(1)), &signer()).unwrap().json;
    assert_eq!(
        next["rotationKeys"],
        json!([did_key(&signer()), "did:key:zsign"])
    );
    assert_eq!(next["alsoKnownAs"], json!(["at://alice.example"]));
    assert_eq!(next["verificationMethods"]["atproto"], "did:key:zsign");
    assert_eq!(
        next["services"]["atproto_pds"]["endpoint"],
        "https://pds.example"
    );
    assert_eq!(next["prev"], last.cid.as_str());
}

/// The CID that JavaScript's DAG-CBOR gives for the same operation.
#[test]
fn cids_are_those_of_the_directory() {
    assert_eq!(LastOperation::from_json(last()).unwrap().cid, CID_OF_LAST);
}

const CID_OF_LAST: &str = "bafyreihkg2at5cy7rjsaedktif7kyes5vv7sknuobsov3jdmed5wdhw3za";
