//! Signatures and hashes that are not what they should be.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Case;
use crate::testing::RepoSigner;
use crate::testing::plc::{
    GENESIS, TestLog, operation, signed, signed_as, stranger, strong, weak, with,
};

pub(super) fn cases() -> Vec<Case> {
    [hashes(), signatures(), ranges(), keys()]
        .into_iter()
        .flatten()
        .collect()
}

/// A second operation, signed with exactly these bytes.
fn second(make: impl FnOnce(&[u8]) -> Vec<u8>) -> TestLog {
    let mut log = TestLog::usual();
    let next = operation(Some(&log.cid(0)));
    let message = serde_ipld_dagcbor::to_vec(&next).unwrap();
    log.push(&signed_as(next, &make(&message)), GENESIS.plus(60));
    log
}

/// A second operation whose signature is this text.
fn second_with(text: impl FnOnce(&str) -> String) -> TestLog {
    let mut log = TestLog::usual();
    let mut next = signed(operation(Some(&log.cid(0))), &strong());
    next["sig"] = text(next["sig"].as_str().unwrap()).into();
    log.push(&next, GENESIS.plus(60));
    log
}

fn hashes() -> Vec<Case> {
    let mut log = TestLog::usual();
    log.follow(0, json!({}), &weak(), 1);
    let mut changed = log.clone();
    changed.entries[1]["operation"]["alsoKnownAs"] = json!(["at://mallory.example.com"]);
    let mut rehashed = changed.clone();
    let operation = changed.entries[1]["operation"].clone();
    rehashed.entries[1]["cid"] = crate::testing::plc::cid(&operation).into();
    let mut listed = log.clone();
    listed.entries[1]["cid"] = listed.entries[0]["cid"].clone();
    let mut upper = log.clone();
    upper.entries[1]["cid"] = Value::String(log.cid(1).to_uppercase());
    let mut extra = log.clone();
    extra.entries[1]["operation"]["later"] = json!(1);
    vec![
        Case::bad("an operation changed", "plc.bad_cid", &changed),
        Case::bad("listed under another CID", "plc.bad_cid", &listed),
        Case::bad("the CID in another spelling", "plc.bad_cid", &upper),
        Case::bad("an unknown field added", "plc.bad_cid", &extra),
        Case::bad(
            "an operation changed, with its CID",
            "plc.forged",
            &rehashed,
        ),
    ]
}

fn signatures() -> Vec<Case> {
    let forged = |name, log: &TestLog| Case::bad(name, "plc.forged", log);
    let flipped = |message: &[u8]| {
        let mut signature = strong().sign(message);
        signature[40] ^= 1;
        signature
    };
    let high = |key: RepoSigner| second(move |message| key.high_s(&key.sign(message)));
    let der = |message: &[u8]| {
        let RepoSigner::K256(key) = strong() else {
            unreachable!()
        };
        use k256::ecdsa::signature::Signer as _;
        let signature: k256::ecdsa::DerSignature = key.sign(message);
        signature.as_bytes().to_vec()
    };
    let good = second(|message| strong().sign(message));
    let genesis = TestLog::new(&signed(operation(None), &stranger()));
    vec![
        Case::good("a second operation", &good),
        forged(
            "signed by a stranger",
            &second(|message| stranger().sign(message)),
        ),
        forged("first operation signed by a stranger", &genesis),
        forged("one bit of the signature", &second(flipped)),
        forged("high S, k256", &high(strong())),
        forged("high S, p256", &high(weak())),
        forged("a signature in DER", &second(der)),
        forged("padded base64url", &second_with(|text| format!("{text}=="))),
        forged(
            "base64 instead of base64url",
            &second_with(|text| {
                let bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
                base64::engine::general_purpose::STANDARD.encode(bytes)
            }),
        ),
        forged(
            "a signature with a line break",
            &second_with(|text| format!("{text}\n")),
        ),
    ]
}

fn ranges() -> Vec<Case> {
    let with_scalars = |name, change: fn(&mut Vec<u8>)| {
        let log = second(|message| {
            let mut signature = strong().sign(message);
            change(&mut signature);
            signature
        });
        Case::bad(name, "plc.forged", &log)
    };
    vec![
        with_scalars("r is zero", |signature| signature[..32].fill(0)),
        with_scalars("s is zero", |signature| signature[32..].fill(0)),
        with_scalars("r above the order", |signature| signature[..32].fill(0xff)),
        with_scalars("s above the order", |signature| signature[32..].fill(0xff)),
        with_scalars("63 bytes", |signature| signature.truncate(63)),
        with_scalars("65 bytes", |signature| signature.push(0)),
        with_scalars("no bytes", Vec::clear),
    ]
}

fn keys() -> Vec<Case> {
    let mut retired = TestLog::usual();
    retired.follow(
        0,
        json!({"rotationKeys": [strong().did_key()]}),
        &strong(),
        1,
    );
    retired.follow(1, json!({}), &weak(), 2);
    let mut early = TestLog::usual();
    let own = json!({"rotationKeys": [stranger().did_key()]});
    early.follow(0, own, &stranger(), 1);
    let mut none = TestLog::usual();
    none.follow(0, json!({"rotationKeys": []}), &strong(), 1);
    none.follow(1, json!({}), &strong(), 2);
    let odd = json!({"rotationKeys": ["did:key:z6Mk", "x", strong().did_key()]});
    let odd = TestLog::new(&signed(with(operation(None), odd), &strong()));
    vec![
        Case::bad(
            "signed by a key that is no longer in force",
            "plc.forged",
            &retired,
        ),
        Case::bad(
            "signed by a key that it brings itself",
            "plc.forged",
            &early,
        ),
        Case::bad("signed where no key is in force", "plc.forged", &none),
        Case::good("beside rotation keys that are none", &odd),
    ]
}
