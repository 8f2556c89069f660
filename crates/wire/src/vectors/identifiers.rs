//! Deterministic CBOR, keys, DIDs and domains, conversation ids.

use serde_json::json;

use super::*;
use crate::{
    cbor,
    conversation::{ConversationId, GroupBinding},
    device::DeviceId,
    key::PublicKey,
};

#[test]
fn deterministic_cbor() {
    let decode = |bytes: &[u8]| cbor::decode::<ciborium::Value>(bytes, 64);
    let good = [
        "00",
        "17",
        "1818",
        "190100",
        "1a00010000",
        "1b0000000100000000",
        "20",
        "40",
        "60",
        "80",
        "a0",
        "f4",
        "f5",
        "f6",
        "c11a6553f100",
        "a2616101626161 02",
        "a3010020 01616100",
    ];
    let bad = [
        ("integer not shortest", "1800"),
        ("integer not shortest, 2 bytes", "1900ff"),
        ("integer not shortest, 4 bytes", "1a0000ffff"),
        ("integer not shortest, 8 bytes", "1b00000000ffffffff"),
        ("length not shortest", "580100"),
        ("indefinite array", "9fff"),
        ("indefinite map", "bfff"),
        ("indefinite bytes", "5f4100ff"),
        ("indefinite text", "7f6161ff"),
        ("keys not sorted", "a2626161 00616100"),
        ("duplicate key", "a2616100616101"),
        ("half float", "f93c00"),
        ("single float", "fa3f800000"),
        ("double float", "fb3ff0000000000000"),
        ("undefined", "f7"),
        ("simple value", "f820"),
        ("invalid UTF-8", "61ff"),
        ("trailing byte", "0000"),
        ("truncated", "4201"),
        ("empty", ""),
        ("nested 17 deep", "8181818181818181818181818181818181 00"),
    ];
    let bytes = |text: &str| hex::decode(text.replace(' ', "")).unwrap();
    let mut cases = Vec::new();
    for text in good {
        decode(&bytes(text)).unwrap();
        cases.push(json!({ "hex": hex::encode(bytes(text)) }));
    }
    cases.extend(bad.map(|(name, text)| refused(name, &bytes(text), decode(&bytes(text)))));
    check("cbor", "0", cases.into());
}

#[test]
fn keys() {
    let mut cases = Vec::new();
    for byte in [0, 1, 2] {
        let public = key(byte).public();
        assert_eq!(PublicKey::from_cose(&public.cose()), Ok(public));
        cases.push(json!({
            "key": key_input(byte),
            "didKey": public.to_did_key(),
            "coseKey": hex::encode(public.cose()),
            "thumbprint": public.thumbprint().text(),
        }));
    }
    let good = key(1).public().cose();
    let mut ec2 = good.clone();
    ec2[2] = 2;
    let mut x25519 = good.clone();
    x25519[4] = 4;
    let mut small = good.clone();
    small[8..].fill(0);
    let mut extra = [&[0xa4][..], &good[1..5], &[0x21], &good[6..], &[0x22, 0x00]].concat();
    for (name, bytes) in [
        ("another key type", &ec2),
        ("another curve", &x25519),
        ("small order", &small),
        ("further parameter", &extra),
    ] {
        cases.push(refused(name, bytes, PublicKey::from_cose(bytes)));
    }
    extra.truncate(20);
    cases.push(refused("truncated", &extra, PublicKey::from_cose(&extra)));
    check("key", "0", cases.into());
}

#[test]
fn dids_and_domains() {
    let dids = [
        "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
        "did:web:bob.example",
        "did:web:localhost%3A2583",
        "did:web:bob.example:user",
        "did:web:Bob.example",
        "did:plc:ewvi7nxzyoun6zhxrhs64oi",
        "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
    ];
    let domains = [
        "relay.example",
        "relay.example:8443",
        "localhost:3000",
        "[::1]:3000",
        "Relay.example",
        "relay.example:443",
        "relay.example.",
        "relay",
        "192.0.2.1",
        "https://relay.example",
    ];
    let did = |text| json!({ "did": text, "valid": Did::parse(text).is_ok() });
    let domain = |text| json!({ "domain": text, "valid": Domain::parse(text).is_ok() });
    let cases: Vec<_> = dids
        .map(did)
        .into_iter()
        .chain(domains.map(domain))
        .collect();
    check("names", "0", cases.into());
}

#[test]
fn conversations() {
    let id = ConversationId::of(&alice(), &bob());
    let device_id = DeviceId::from_bytes([7; 16]);
    let binding = GroupBinding {
        did: alice(),
        device_id,
        conversation: id,
    };
    let bytes = binding.encode();
    assert_eq!(GroupBinding::decode(&bytes), Ok(binding));
    let input = json!({ "did": alice(), "deviceId": device_id.hex(), "conversation": id.hex() });
    let short = &bytes[..bytes.len() - 1];
    check(
        "conversation",
        "2 and §3",
        json!([
            { "dids": [alice(), bob()], "id": id.hex() },
            accepted("extension 0xF0A7", input, &bytes),
            refused("truncated", short, GroupBinding::decode(short)),
        ]),
    );
}
