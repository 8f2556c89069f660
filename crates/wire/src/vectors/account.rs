//! Claim, succession, device certificate, roster, delegation record.

use serde_json::json;

use super::{signed::spoiled, *};
use crate::{
    cbor,
    claim::{Claim, Incoming},
    delegation::DelegationRecord,
    device::{CertificateError, DeviceCertificate, DeviceId},
    roster::Roster,
    sign1::SignedPayload,
    succession::{self, Succession},
};

fn claim() -> Claim {
    Claim {
        did: alice(),
        key: key(1).public(),
        seq: 1,
        domain: relay(),
        incoming: Incoming::Everyone,
        issued_at: NOW,
    }
}

/// A device of Alice's with an id of 16 times `id` and the key of seed `device`.
pub(super) fn certificate(id: u8, device: u8) -> DeviceCertificate {
    DeviceCertificate {
        did: alice(),
        device_id: DeviceId::from_bytes([id; 16]),
        issued_at: NOW,
        device_key: key(device).public(),
        expires_at: NOW.plus(366 * 86_400),
    }
}

fn roster() -> Roster {
    let devices = vec![
        certificate(7, 2).sign(&key(1)),
        certificate(8, 3).sign(&key(1)),
    ];
    Roster {
        did: alice(),
        seq: 2,
        devices,
    }
}

#[test]
fn claims() {
    let object = claim().sign(&key(1));
    let verify = |bytes: &[u8]| Claim::verify(bytes, &key(1).public());
    assert_eq!(verify(&object), Ok(claim()));
    let input = json!({
        "key": key_input(1), "did": alice(), "domain": relay(), "incoming": "everyone",
        "seq": 1, "issuedAt": NOW,
    });
    let payload = cbor::encode(&claim());
    let mut cases = vec![accepted("claim", input, &object)];
    cases.extend(spoiled(Claim::TYPE, &object, &payload, verify));
    let other = Claim {
        key: key(9).public(),
        ..claim()
    }
    .sign(&key(1));
    cases.push(refused("names another key", &other, verify(&other)));
    check("claim", "1.2", cases.into());
}

#[test]
fn successions() {
    let step = |from: u8, to: u8, seq| Succession {
        did: alice(),
        seq,
        issued_at: NOW,
        successor: key(to).public(),
        predecessor: key(from).public(),
    };
    let object = step(1, 2, 1).sign(&key(1));
    let verify = |bytes: &[u8]| Succession::verify(bytes, &key(1).public());
    assert_eq!(verify(&object), Ok(step(1, 2, 1)));
    let input = json!({
        "predecessor": key_input(1), "successor": key_input(2), "did": alice(), "seq": 1,
        "issuedAt": NOW,
    });
    let mut cases = vec![accepted("succession", input, &object)];
    cases.extend(spoiled(
        Succession::TYPE,
        &object,
        &cbor::encode(&step(1, 2, 1)),
        verify,
    ));
    for (name, chain) in [
        (
            "chain",
            vec![step(1, 2, 1).sign(&key(1)), step(2, 3, 2).sign(&key(2))],
        ),
        (
            "chain with a gap",
            vec![step(1, 2, 1).sign(&key(1)), step(4, 3, 2).sign(&key(4))],
        ),
        (
            "chain whose seq stays",
            vec![step(1, 2, 1).sign(&key(1)), step(2, 3, 1).sign(&key(2))],
        ),
        (
            "chain newest first",
            vec![step(2, 3, 2).sign(&key(2)), step(1, 2, 1).sign(&key(1))],
        ),
    ] {
        let leads = succession::leads_from(&key(1).public(), &chain, &key(3).public(), &alice());
        let chain: Vec<_> = chain.iter().map(hex::encode).collect();
        let (from, to) = (key_input(1), key_input(3));
        cases.push(json!({ "name": name, "from": from, "to": to, "chain": chain, "leads": leads }));
    }
    let three = vec![
        step(1, 2, 1).sign(&key(1)),
        step(2, 3, 2).sign(&key(2)),
        step(3, 4, 7).sign(&key(3)),
    ];
    for (name, from, to, leads) in [
        ("three rotations, from the first key", 1, 4, true),
        ("three rotations, from the second key", 2, 4, true),
        ("three rotations, from the third key", 3, 4, true),
        ("three rotations, from the current key", 4, 4, true),
        ("three rotations, from a stranger's key", 5, 4, false),
        ("three rotations, to a key that was replaced", 1, 3, false),
    ] {
        let (known, current) = (key(from).public(), key(to).public());
        assert_eq!(
            succession::leads_from(&known, &three, &current, &alice()),
            leads,
            "{name}"
        );
        let chain: Vec<_> = three.iter().map(hex::encode).collect();
        let (from, to) = (key_input(from), key_input(to));
        cases.push(json!({ "name": name, "from": from, "to": to, "chain": chain, "leads": leads }));
    }
    check("succession", "1.3", cases.into());
}

#[test]
fn device_certificates() {
    let object = certificate(7, 2).sign(&key(1));
    let verify = |bytes: &[u8]| DeviceCertificate::verify(bytes, &key(1).public(), &alice(), NOW);
    assert_eq!(verify(&object), Ok(certificate(7, 2)));
    let input = json!({
        "delegateKey": key_input(1), "deviceKey": key_input(2), "did": alice(),
        "deviceId": hex::encode([7; 16]), "issuedAt": NOW, "expiresAt": NOW.plus(366 * 86_400),
    });
    let payload = cbor::encode(&certificate(7, 2));
    let mut cases = vec![accepted("device certificate", input, &object)];
    cases.extend(spoiled(DeviceCertificate::TYPE, &object, &payload, verify));
    let mut other = certificate(7, 2);
    other.expires_at = NOW.plus(366 * 86_400 + 1);
    let long = other.sign(&key(1));
    cases.push(refused(
        "valid for longer than 366 days",
        &long,
        verify(&long),
    ));
    other.expires_at = other.issued_at;
    let never = other.sign(&key(1));
    cases.push(refused("never valid", &never, verify(&never)));
    let bobs = DeviceCertificate {
        did: bob(),
        ..certificate(7, 2)
    }
    .sign(&key(1));
    cases.push(refused("another account", &bobs, verify(&bobs)));
    let end = certificate(7, 2).expires_at;
    let late = DeviceCertificate::verify(&object, &key(1).public(), &alice(), end);
    assert_eq!(late, Err(CertificateError::Expired));
    check("device_certificate", "1.6", cases.into());
}

#[test]
fn rosters() {
    let object = roster().sign(&key(1));
    let verify = |bytes: &[u8]| Roster::verify(bytes, &key(1).public(), &alice());
    assert_eq!(verify(&object).unwrap().certificates, roster().devices);
    let input = json!({
        "delegateKey": key_input(1), "did": alice(), "seq": 2,
        "devices": roster().devices.iter().map(hex::encode).collect::<Vec<_>>(),
    });
    let mut cases = vec![accepted("roster", input, &object)];
    cases.extend(spoiled(
        Roster::TYPE,
        &object,
        &cbor::encode(&roster()),
        verify,
    ));
    let first = roster().devices[0].clone();
    for (name, devices) in [
        ("no devices", vec![]),
        ("17 devices", vec![first.clone(); 17]),
        ("a device twice", vec![first.clone(), first.clone()]),
        (
            "a device key twice",
            vec![first.clone(), certificate(9, 2).sign(&key(1))],
        ),
        (
            "a certificate by another key",
            vec![first, certificate(9, 4).sign(&key(9))],
        ),
    ] {
        let object = Roster {
            devices,
            ..roster()
        }
        .sign(&key(1));
        cases.push(refused(name, &object, verify(&object)));
    }
    check("roster", "1.6", cases.into());
}

#[test]
fn delegation_records() {
    let record = DelegationRecord {
        key: key(1).public(),
        domain: relay(),
        claim: claim().sign(&key(1)),
        succession: Vec::new(),
        incoming: Incoming::Everyone,
        created_at: NOW.rfc3339(),
    };
    let json = record.to_json();
    assert_eq!(DelegationRecord::from_json(&json), Ok(record));
    check(
        "delegation",
        "1.1",
        json!([{ "name": "record", "json": json }]),
    );
}
