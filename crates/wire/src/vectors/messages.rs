//! Frames, payloads, first-contact envelopes.

use ciborium::Value as Cbor;
use serde_json::json;

use super::{account::certificate, *};
use crate::{
    cbor,
    device::DeviceId,
    first_contact::{Envelope, UnverifiedEnvelope},
    frame::{self, Frame, SealKey},
    grant::GrantKey,
    payload::{Ack, Link, Lost, NO_MARK, Payload, PayloadGrant},
};

#[test]
fn frames() {
    let seal_key = SealKey::from_bytes([5; 32]);
    let mut cases = Vec::new();
    for (name, message, welcome, commits) in [
        ("message", 300, None, 0),
        ("message and Welcome", 300, Some(300), 0),
        ("message and commits", 300, None, 2),
        ("largest in its bucket", 496, None, 0),
        ("smallest of the next bucket", 497, None, 0),
    ] {
        let frame = Frame {
            commits: vec![vec![0xcc; 300]; commits],
            message: vec![0xaa; message],
            welcome: welcome.map(|n| vec![0xbb; n]),
        };
        let sealed = frame::seal(&frame, &seal_key, &Counting).unwrap();
        assert_eq!(frame::open(&sealed, &seal_key), Ok(frame.clone()));
        let input = json!({
            "sealKey": hex::encode([5; 32]), "nonce": hex::encode(&sealed[..24]),
            "frame": hex::encode(cbor::encode(&frame)),
        });
        cases.push(accepted(name, input, &sealed));
    }
    let good = frame::seal(
        &Frame {
            commits: Vec::new(),
            message: vec![1],
            welcome: None,
        },
        &seal_key,
        &Counting,
    );
    let good = good.unwrap();
    let mut flipped = good.clone();
    flipped[100] ^= 1;
    let bad = [
        ("flipped bit", flipped),
        ("truncated", good[..good.len() - 1].to_vec()),
        ("not a bucket", vec![0; 24 + 768 + 16]),
        ("empty", Vec::new()),
        (
            "non-zero padding",
            frame::tests::sealed_with(|padded| padded[511] = 1),
        ),
        (
            "length beyond the padding",
            frame::tests::sealed_with(|padded| padded[2] = 2),
        ),
        (
            "larger bucket than needed",
            frame::tests::sealed_with(|padded| padded.resize(1024, 0)),
        ),
        ("nine commits", {
            let frame = Frame {
                commits: vec![vec![1]; 9],
                message: vec![1],
                welcome: None,
            };
            frame::seal(&frame, &seal_key, &Counting).unwrap()
        }),
        (
            "frame not deterministic",
            frame::tests::sealed_with(|padded| {
                padded.splice(3..5, [12, 0xb8, 0x01]);
                padded.truncate(512);
            }),
        ),
    ];
    cases.extend(bad.map(|(name, bytes)| refused(name, &bytes, frame::open(&bytes, &seal_key))));
    check("frame", "3.1", cases.into());
}

fn payload() -> Payload {
    let grant = PayloadGrant {
        to: DeviceId::from_bytes([8; 16]),
        key: GrantKey::from_bytes([1; 32]),
        host: relay(),
        seal: SealKey::from_bytes([5; 32]),
        expires: NOW.plus(90 * 86_400),
    };
    Payload {
        seq: 1,
        acks: vec![Ack {
            group: vec![9; 16],
            seq: 3,
            mark: [2; 8],
        }],
        link: Some(Link {
            after: NO_MARK,
            mark: [11; 8],
        }),
        lost: vec![Lost::Group([7; 16]), Lost::Welcome([6; 32])],
        first: 1,
        typing: false,
        content: Some(vec![1, 2, 3]),
        grants: vec![grant],
        key_packages: vec![vec![4; 3]],
    }
}

#[test]
fn payloads() {
    let input = json!({
        "seq": 1, "acks": [[hex::encode([9; 16]), 3, hex::encode([2; 8])]], "content": "010203",
        "link": [hex::encode([0; 8]), hex::encode([11; 8])],
        "lost": [hex::encode([7; 16]), hex::encode([6; 32])], "first": 1,
        "grants": [{
            "to": hex::encode([8; 16]), "host": relay(), "key": hex::encode([1; 32]),
            "seal": hex::encode([5; 32]), "expires": NOW.plus(90 * 86_400),
        }],
        "keyPackages": ["040404"],
    });
    let bytes = payload().encode();
    assert_eq!(Payload::decode(&bytes), Ok(payload()));
    let only_acks = Payload {
        acks: payload().acks,
        first: 1,
        ..Payload::default()
    };
    let acks_input =
        json!({ "seq": 0, "acks": [[hex::encode([9; 16]), 3, hex::encode([2; 8])]], "first": 1 });
    let typing = Payload {
        typing: true,
        ..only_acks.clone()
    };
    let typing_input = json!({ "seq": 0, "acks": [[hex::encode([9; 16]), 3, hex::encode([2; 8])]], "first": 1, "typing": true });
    let mut cases = vec![
        accepted("everything", input, &bytes),
        accepted("acknowledgements only", acks_input, &only_acks.encode()),
        accepted("typing", typing_input, &typing.encode()),
    ];
    let with = |name: &str, value: Cbor| {
        let mut map: Cbor = cbor::decode(&Payload::default().encode(), 1024).unwrap();
        let entries = map.as_map_mut().unwrap();
        entries.retain(|(key, _)| key.as_text() != Some(name));
        entries.push((Cbor::from(name), value));
        cbor::encode(&map)
    };
    let without = |name: &str| {
        let mut map: Cbor = cbor::decode(&Payload::default().encode(), 1024).unwrap();
        let entries = map.as_map_mut().unwrap();
        entries.retain(|(key, _)| key.as_text() != Some(name));
        cbor::encode(&map)
    };
    let short_group = Cbor::Array(vec![Cbor::Array(vec![Cbor::Bytes(vec![9; 15]), 1.into()])]);
    for (name, bytes) in [
        ("another version", with("v", 2.into())),
        ("unknown field", with("x", 2.into())),
        ("empty grants", with("grants", Cbor::Array(Vec::new()))),
        (
            "empty key packages",
            with("keyPackages", Cbor::Array(Vec::new())),
        ),
        ("empty lost", with("lost", Cbor::Array(Vec::new()))),
        ("typing that is not so", with("typing", false.into())),
        ("no first", without("first")),
        ("null content", with("content", Cbor::Null)),
        ("negative seq", with("seq", (-1).into())),
        ("group id of 15 bytes", with("acks", short_group)),
        (
            "17 key packages",
            with("keyPackages", Cbor::Array(vec![Cbor::Bytes(vec![1]); 17])),
        ),
        ("truncated", bytes[..bytes.len() - 1].to_vec()),
    ] {
        cases.push(refused(name, &bytes, Payload::decode(&bytes)));
    }
    check("payload", "3.2", cases.into());
}

#[test]
fn first_contact_envelopes() {
    let envelope = Envelope {
        from: alice(),
        to: bob(),
        cert: certificate(7, 2).sign(&key(1)),
        nonce: [3; 16],
        welcome: vec![0xbb; 8],
        sealed: vec![0xaa; 8],
    };
    let bytes = envelope.sign(&key(2));
    let verify = |bytes: &[u8]| UnverifiedEnvelope::parse(bytes)?.verify(&certificate(7, 2));
    assert_eq!(verify(&bytes), Ok(envelope.clone()));
    let stable = UnverifiedEnvelope::parse(&bytes)
        .unwrap()
        .payload_bytes()
        .to_vec();
    let input = json!({
        "deviceKey": key_input(2), "from": alice(), "to": bob(),
        "cert": hex::encode(&envelope.cert), "nonce": hex::encode([3; 16]),
        "welcome": hex::encode(&envelope.welcome), "sealed": hex::encode(&envelope.sealed),
        "stableBytes": hex::encode(stable),
    });
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut redirected = bytes.clone();
    let at = bytes
        .windows(3)
        .position(|window| window == b"bob")
        .unwrap();
    redirected[at] = b'r';
    let other_key = envelope.sign(&key(9));
    let bobs = Envelope {
        from: bob(),
        ..envelope.clone()
    }
    .sign(&key(2));
    let mut cases = vec![accepted("envelope", input, &bytes)];
    for (name, bytes) in [
        ("flipped signature bit", flipped),
        ("another recipient", redirected),
        ("signed by another key", other_key),
        ("certificate of another account", bobs),
        ("a device certificate instead", envelope.cert.clone()),
        ("truncated", bytes[..bytes.len() - 1].to_vec()),
    ] {
        cases.push(refused(name, &bytes, verify(&bytes)));
    }
    check("first_contact", "4.5", cases.into());
}
