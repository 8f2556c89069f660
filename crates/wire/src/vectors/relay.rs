//! Grants, bodies and events of the relay API.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{account::certificate, *};
use crate::{
    attachment::ObjectName,
    cbor,
    device::DeviceId,
    grant::{self, GrantKey, GrantPut, IssuedGrant},
    key::Thumbprint,
    pair_put::{PairPut, UnverifiedPairPut},
    relay_api::{self as api, Event, MailboxKey},
};

fn grant_key() -> GrantKey {
    GrantKey::from_bytes([1; 32])
}

#[test]
fn grants() {
    let address = grant::address(&grant_key(), &relay());
    let put = GrantPut::new(&grant_key(), &address, "challenge", vec![0xaa; 4]);
    let bytes = put.encode();
    assert_eq!(GrantPut::decode(&bytes, 1024), Ok(put.clone()));
    let input = json!({
        "key": hex::encode([1; 32]), "host": relay(), "address": address, "challenge": "challenge",
        "message": "aaaaaaaa", "tag": hex::encode(put.t),
    });
    let decode = |bytes: &[u8]| GrantPut::decode(bytes, 1024);
    let short = &bytes[..bytes.len() - 1];
    let long = [&[0xb8, 0x03], &bytes[1..]].concat();
    check(
        "grant",
        "4.6",
        json!([
            accepted("put", input, &bytes),
            refused("truncated", short, decode(short)),
            refused("map length not shortest", &long, decode(&long)),
        ]),
    );
}

/// A body with its encoding, which decodes to the same body.
fn body<T: Serialize + DeserializeOwned>(name: &str, body: &T) -> Value {
    let bytes = cbor::encode(body);
    let again: T = cbor::decode(&bytes, 1 << 16).expect(name);
    assert_eq!(cbor::encode(&again), bytes);
    json!({ "name": name, "hex": hex::encode(bytes) })
}

#[test]
fn bodies() {
    let cert = certificate(7, 2).sign(&key(1));
    let address = grant::address(&grant_key(), &relay());
    let issued = IssuedGrant {
        key: grant_key(),
        address: address.clone(),
        expires: NOW,
    };
    let listed = api::ListedGrant {
        closed: false,
        address,
        expires: NOW,
    };
    let device_id = DeviceId::from_bytes([7; 16]);
    let claimed = api::ClaimedPackage {
        package: vec![1],
        device_id,
        last_resort: true,
    };
    let registration = api::RegistrationRequest {
        did: alice(),
        key: key(1).public(),
        cert: Some(cert.clone()),
        roster: Some(vec![0xbb]),
        claim: None,
    };
    let alone = api::RegistrationRequest {
        cert: None,
        roster: None,
        ..registration.clone()
    };
    let state = |last_resort| api::KeyPackagesState {
        single_use: vec![vec![2; 32]],
        last_resort,
    };
    let page = api::MessagesPage {
        cursor: Some("12".into()),
        messages: vec![delivery(false)],
    };
    let objects = api::ObjectList {
        cursor: Some("c".into()),
        objects: vec![api::ListedObject {
            name: ObjectName::of(b"x"),
            size: 1,
            expires: NOW,
        }],
    };
    let cases = vec![
        body(
            "error",
            &api::ErrorBody {
                left: None,
                error: "stale-roster".into(),
            },
        ),
        body(
            "error with what is left",
            &api::ErrorBody {
                left: Some(4112),
                error: "quota".into(),
            },
        ),
        body("registration", &registration),
        body("registration of the delegate key alone", &alone),
        body(
            "registration ahead of the record",
            &api::RegistrationRequest {
                claim: Some(vec![0xcc]),
                ..registration.clone()
            },
        ),
        body(
            "registration status",
            &api::RegistrationStatus {
                did: alice(),
                device_id,
                roster_seq: 2,
                paused: None,
            },
        ),
        body(
            "registration status, paused",
            &api::RegistrationStatus {
                did: alice(),
                device_id,
                roster_seq: 2,
                paused: Some(api::Paused::Gone),
            },
        ),
        body(
            "registration status of the delegate key alone, paused",
            &api::AnchorStatus {
                did: alice(),
                key: key(1).public(),
                paused: Some(api::Paused::KeyChanged),
            },
        ),
        body("registration patch", &api::RegistrationPatch::default()),
        body(
            "registration patch, another roster",
            &api::RegistrationPatch {
                cert: Some(cert.clone()),
                roster: Some(vec![0xbb]),
            },
        ),
        body(
            "key packages put",
            &api::KeyPackagesPut {
                remove: Vec::new(),
                single_use: vec![vec![1]],
                last_resort: None,
            },
        ),
        body(
            "key packages put, last resort",
            &api::KeyPackagesPut {
                remove: Vec::new(),
                single_use: vec![],
                last_resort: Some(vec![1]),
            },
        ),
        body(
            "key packages put, one taken away",
            &api::KeyPackagesPut {
                remove: vec![vec![4; 32]],
                single_use: vec![vec![1]],
                last_resort: None,
            },
        ),
        body("key packages state", &state(Some(vec![3; 32]))),
        body("key packages state, no last resort", &state(None)),
        body(
            "claim",
            &api::ClaimRequest {
                id: [7; 16],
                did: alice(),
                cert,
            },
        ),
        body(
            "claim answer",
            &api::ClaimResponse {
                roster: vec![0xbb],
                packages: vec![claimed],
            },
        ),
        body("grants wanted", &api::GrantsRequest { n: 3 }),
        body(
            "grants issued",
            &api::GrantsResponse {
                grants: vec![issued],
            },
        ),
        body(
            "grant list",
            &api::GrantList {
                grants: vec![listed],
            },
        ),
        body("grants patch", &api::GrantsPatch { draining: true }),
        body("grant patch", &api::GrantPatch { closed: true }),
        body("pool", &api::Pool { dids: vec![bob()] }),
        body("blocks", &api::Blocks { dids: vec![bob()] }),
        body(
            "adjudication",
            &api::Adjudication {
                discard: vec![],
                provision: vec![bob()],
                release: vec![],
            },
        ),
        body(
            "adjudication, released",
            &api::Adjudication {
                discard: vec![],
                provision: vec![],
                release: vec![bob()],
            },
        ),
        body("list of objects", &objects),
        body("page of messages", &page),
        body(
            "last page of messages",
            &api::MessagesPage {
                cursor: None,
                messages: vec![],
            },
        ),
        body("acknowledgements", &api::Acks { acks: vec![ack()] }),
    ];
    check("relay_bodies", "4.3 to §4.7", cases.into());
}

fn ack() -> api::Ack {
    api::Ack {
        k: MailboxKey::Did(bob()),
        id: api::message_id(&MailboxKey::Did(bob()), b"x"),
    }
}

fn delivery(hints: bool) -> api::Delivery {
    let k = MailboxKey::Did(bob());
    let id = api::message_id(&k, &[0xaa; 4]);
    let kt = hints.then(|| Thumbprint::from_bytes([4; 32]));
    api::Delivery {
        k,
        m: vec![0xaa; 4],
        id,
        kt,
        sd: hints.then(alice),
    }
}

#[test]
fn pair_puts() {
    let put = PairPut {
        from: alice(),
        to: bob(),
        nonce: [7; 16],
        message: b"sealed".to_vec(),
    };
    let bytes = put.sign(&key(1));
    let read = |bytes: &[u8]| UnverifiedPairPut::parse(bytes).map(drop);
    assert_eq!(read(&bytes), Ok(()));
    let input = json!({
        "from": alice(), "to": bob(), "nonce": hex::encode([7; 16]),
        "message": hex::encode(b"sealed"), "key": key_input(1),
    });
    let envelope = hex::decode("d28441a0a04100").unwrap();
    check(
        "pair-put",
        "4.5",
        json!([
            accepted("pair put", input, &bytes),
            refused("truncated", &bytes[..9], read(&bytes[..9])),
            refused("no signed object", &envelope, read(&envelope)),
        ]),
    );
}

#[test]
fn events() {
    let mut cases = Vec::new();
    for (name, event) in [
        (
            "#capabilities",
            Event::Capabilities(api::GrantLifecycle::Active.into()),
        ),
        (
            "#capabilities, draining",
            Event::Capabilities(api::GrantLifecycle::Draining.into()),
        ),
        (
            "#capabilities, paused",
            Event::Capabilities(api::Capabilities {
                gr: api::GrantLifecycle::Active,
                paused: Some(api::Paused::Gone),
            }),
        ),
        ("#delivery", Event::Delivery(delivery(false))),
        ("#delivery with hints", Event::Delivery(delivery(true))),
        ("#pool", Event::Pool),
        ("#caughtUp", Event::CaughtUp),
        ("#ack", Event::Ack(ack())),
    ] {
        let bytes = event.encode();
        assert_eq!(Event::decode(&bytes, 1024), Ok(event));
        cases.push(json!({ "name": name, "hex": hex::encode(bytes) }));
    }
    let pool = Event::Pool.encode();
    for (name, bytes) in [
        ("no body", pool[..pool.len() - 1].to_vec()),
        ("three values", [&pool[..], &[0xa0]].concat()),
        (
            "unknown type",
            hex::decode("a261746523706f6f6e626f7001a0").unwrap(),
        ),
    ] {
        cases.push(refused(name, &bytes, Event::decode(&bytes, 1024)));
    }
    let keys = [
        MailboxKey::Did(bob()),
        MailboxKey::Grant(grant::address(&grant_key(), &relay())),
    ];
    cases.extend(keys.map(|key| {
        let id = api::message_id(&key, &[0xaa; 4]);
        json!({ "name": "message id", "mailboxKey": key.as_str(), "stableBytes": "aaaaaaaa", "id": id })
    }));
    check("events", "4.7", cases.into());
}
