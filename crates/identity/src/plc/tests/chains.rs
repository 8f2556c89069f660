//! One operation after the other.

use serde_json::json;

use super::Case;
use crate::testing::plc::{
    GENESIS, TestLog, cid, operation, signed, stranger, strong, tombstone, weak, with,
};

const ED25519: &str = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";

pub(super) fn cases() -> Vec<Case> {
    [good(), out_of_order(), ended(), malformed(), oversized()]
        .into_iter()
        .flatten()
        .collect()
}

fn good() -> Vec<Case> {
    let p256 = TestLog::new(&signed(operation(None), &weak()));
    let legacy = json!({
        "type": "create", "signingKey": weak().did_key(), "recoveryKey": strong().did_key(),
        "handle": "alice.example.com", "service": "pds.example", "prev": null,
    });
    let created = TestLog::new(&signed(legacy, &weak()));
    let mut updated = created.clone();
    updated.follow(0, json!({}), &strong(), 1);
    let methods = json!({"verificationMethods": {"atproto": weak().did_key(), "e2ee": ED25519}});
    let mut anchored = TestLog::usual();
    anchored.follow(0, methods.clone(), &weak(), 1);
    anchored.follow(1, with(methods, json!({"alsoKnownAs": []})), &strong(), 2);
    let mut removed = anchored.clone();
    removed.follow(2, json!({}), &weak(), 3);
    removed.follow(3, json!({"alsoKnownAs": []}), &weak(), 4);
    let mut rotated = TestLog::usual();
    rotated.follow(
        0,
        json!({"rotationKeys": [stranger().did_key()]}),
        &weak(),
        1,
    );
    rotated.follow(1, json!({}), &stranger(), 2);
    let unknown = json!({"nested": {"b": [1, -1, true, null], "aa": "x"}});
    let extra = TestLog::new(&signed(with(operation(None), unknown), &strong()));
    vec![
        Case::good("first operation, signed with k256", &TestLog::usual()),
        Case::good("first operation, signed with p256", &p256),
        Case::good("legacy first operation", &created),
        Case::good("update of a legacy account", &updated),
        Case::good("e2ee key since the second operation", &anchored),
        Case::good("e2ee key removed again", &removed),
        Case::good("other rotation keys", &rotated),
        Case::good("a field of a later version, covered by the hash", &extra),
    ]
}

fn out_of_order() -> Vec<Case> {
    let mut log = TestLog::usual();
    log.follow(0, json!({"alsoKnownAs": []}), &weak(), 1);
    log.follow(1, json!({}), &weak(), 2);
    let mut reordered = log.clone();
    reordered.entries.swap(1, 2);
    let mut missing = log.clone();
    missing.entries.remove(1);
    let mut headless = log.clone();
    headless.entries.remove(0);
    let mut twice = log.clone();
    twice.push(&signed(operation(None), &strong()), GENESIS.plus(9));
    let mut dated_back = log.clone();
    dated_back.entries[2]["createdAt"] = GENESIS.plus(60).rfc3339().into();
    let mut second_genesis = TestLog::usual();
    let other = with(operation(None), json!({"alsoKnownAs": []}));
    second_genesis.push(&signed(other, &strong()), GENESIS.plus(60));
    let follows_nothing = operation(Some(&log.cid(1)));
    let mut headless_case = Case::bad("first operation missing", "plc.wrong_genesis", &log);
    headless_case.log = headless.entries;
    let mut other_did = Case::bad("log of another DID", "plc.wrong_genesis", &log);
    let mut foreign = log.clone();
    other_did.did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa".to_owned();
    for entry in &mut foreign.entries {
        entry["did"] = other_did.did.clone().into();
    }
    other_did.log = foreign.entries;
    let not_first = TestLog::new(&signed(follows_nothing, &strong()));
    vec![
        Case::bad("operations out of order", "plc.broken_chain", &reordered),
        Case::bad("an operation missing", "plc.broken_chain", &missing),
        Case::bad(
            "a second first operation",
            "plc.broken_chain",
            &second_genesis,
        ),
        Case::bad(
            "a first operation that follows one",
            "plc.broken_chain",
            &not_first,
        ),
        Case::bad(
            "dated before its predecessor",
            "plc.broken_chain",
            &dated_back,
        ),
        Case::bad("an operation twice", "plc.broken_chain", &twice),
        headless_case,
        other_did,
    ]
}

fn ended() -> Vec<Case> {
    let mut log = TestLog::usual();
    let end = signed(tombstone(&log.cid(0)), &weak());
    log.push(&end, GENESIS.plus(60));
    let mut after = log.clone();
    after.follow(1, json!({}), &strong(), 1);
    let first = TestLog::new(&signed(tombstone(&cid(&json!({}))), &strong()));
    vec![
        Case::bad("tombstone", "plc.tombstoned", &log),
        Case::bad("an operation after a tombstone", "plc.broken_chain", &after),
        Case::bad(
            "a tombstone as the first operation",
            "plc.broken_chain",
            &first,
        ),
    ]
}

fn malformed() -> Vec<Case> {
    let entry = |name, changes| {
        let mut log = TestLog::usual();
        let did = log.did();
        log.entries[0] = with(log.entries[0].clone(), changes);
        let case = Case::bad(name, "plc.malformed", &log);
        Case { did, ..case }
    };
    let operation = |name, changes| {
        let changed = with(operation(None), changes);
        Case::bad(
            name,
            "plc.malformed",
            &TestLog::new(&signed(changed, &strong())),
        )
    };
    let without_prev = {
        let mut operation = crate::testing::plc::operation(None);
        operation.as_object_mut().unwrap().remove("prev");
        TestLog::new(&signed(operation, &strong()))
    };
    let unsigned = TestLog::new(&crate::testing::plc::operation(None));
    vec![
        entry(
            "entry of another DID",
            json!({"did": "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"}),
        ),
        entry("no date", json!({"createdAt": "soon"})),
        entry(
            "a date in the future",
            json!({"createdAt": "9999-01-01T00:00:00Z"}),
        ),
        entry("nullified is no truth value", json!({"nullified": 0})),
        operation("unknown type", json!({"type": "plc_rotate"})),
        operation("rotation keys are no list", json!({"rotationKeys": {}})),
        operation(
            "a verification method is no text",
            json!({"verificationMethods": {"a": 1}}),
        ),
        operation(
            "a service without endpoint",
            json!({"services": {"a": {"type": "b"}}}),
        ),
        operation("prev is no text", json!({"prev": 7})),
        operation("a float", json!({"later": 1.5})),
        Case::bad("prev is absent", "plc.malformed", &without_prev),
        Case::bad("no signature", "plc.malformed", &unsigned),
    ]
}

fn oversized() -> Vec<Case> {
    let large = |name, changes| {
        let changed = with(operation(None), changes);
        Case::bad(
            name,
            "plc.too_large",
            &TestLog::new(&signed(changed, &strong())),
        )
    };
    vec![
        large(
            "eleven rotation keys",
            json!({"rotationKeys": vec![strong().did_key(); 11]}),
        ),
        large(
            "an operation above 16 KiB",
            json!({"later": "x".repeat(16 * 1024)}),
        ),
    ]
}
