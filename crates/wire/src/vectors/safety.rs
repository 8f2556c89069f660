//! Safety numbers and safety codes.

use serde_json::{Value, json};

use super::*;
use crate::safety_number::{SafetyCode, Side};

fn side(did: &Did, seed: u8) -> Value {
    json!({ "did": did, "key": key_input(seed) })
}

fn code(from: (&Did, u8), to: (&Did, u8)) -> SafetyCode {
    SafetyCode {
        from: Side::of(from.0, &key(from.1).public()),
        to: Side::of(to.0, &key(to.1).public()),
    }
}

#[test]
fn safety_numbers() {
    let (alice, bob) = (alice(), bob());
    let carol = Did::parse("did:web:carol.example").unwrap();
    let own = code((&alice, 1), (&bob, 2));
    let mut cases: Vec<_> = [(&alice, 1), (&bob, 2), (&bob, 9)]
        .map(|(did, seed)| {
            let fingerprint = *Side::of(did, &key(seed).public()).fingerprint();
            json!({
                "name": "fingerprint", "did": did, "key": key_input(seed),
                "fingerprint": hex::encode(fingerprint.as_bytes()),
            })
        })
        .into();
    for (name, from, to) in [
        ("match", (&bob, 2), (&alice, 1)),
        ("the scanner's own code", (&alice, 1), (&bob, 2)),
        ("another person's", (&carol, 2), (&alice, 1)),
        ("for another person", (&bob, 2), (&carol, 1)),
        ("another key of the peer", (&bob, 9), (&alice, 1)),
        ("another key of the scanner", (&bob, 2), (&alice, 9)),
    ] {
        let scanned = code(from, to);
        assert_eq!(SafetyCode::decode(&scanned.encode()), Ok(scanned));
        cases.push(json!({
            "name": name,
            "scanner": { "own": side(&alice, 1), "peer": side(&bob, 2) },
            "shown": { "from": side(from.0, from.1), "to": side(to.0, to.1) },
            "number": scanned.number().digits(),
            "hex": hex::encode(scanned.encode()),
            "comparison": format!("{:?}", own.compare(&scanned)),
        }));
    }
    let good = own.encode();
    let mut newer = good.clone();
    newer[5] = 2;
    for (name, bytes) in [
        ("truncated", good[..good.len() - 1].to_vec()),
        ("trailing byte", [&good[..], &[0]].concat()),
        ("another text", b"https://sotto.chat/".to_vec()),
        ("another version", newer),
    ] {
        cases.push(refused(name, &bytes, SafetyCode::decode(&bytes)));
    }
    check("safety_number", "1.8", cases.into());
}
