use proptest::prelude::*;

use super::*;
use crate::{device::DeviceId, time::Timestamp};

fn did(name: &str) -> Did {
    Did::parse(&format!("did:web:{name}.example")).unwrap()
}

fn device_key() -> SigningKey {
    SigningKey::from_seed(&[2; 32])
}

fn certificate(account: &str, key: &SigningKey) -> DeviceCertificate {
    DeviceCertificate {
        did: did(account),
        device_id: DeviceId::from_bytes([7; 16]),
        issued_at: Timestamp(1_700_000_000),
        device_key: key.public(),
        expires_at: Timestamp(1_710_000_000),
    }
}

fn envelope() -> Envelope {
    Envelope {
        from: did("alice"),
        to: did("bob"),
        cert: certificate("alice", &device_key()).sign(&SigningKey::from_seed(&[1; 32])),
        nonce: [5; 16],
        welcome: vec![1; 40],
        sealed: vec![2; 552],
    }
}

#[test]
fn shows_who_sends_to_whom_and_verifies() {
    let bytes = envelope().sign(&device_key());
    let read = UnverifiedEnvelope::parse(&bytes).unwrap();
    assert_eq!((read.from(), read.to()), (&did("alice"), &did("bob")));
    assert_eq!(
        (read.cert(), read.nonce()),
        (&envelope().cert[..], &[5; 16])
    );
    let payload: EnvelopePayload = cbor::decode(read.payload_bytes(), 4096).unwrap();
    assert_eq!(payload.sealed, envelope().sealed);
    assert_eq!(
        read.verify(&certificate("alice", &device_key())),
        Ok(envelope())
    );
}

#[test]
fn is_bound_to_the_certificate() {
    let bytes = envelope().sign(&device_key());
    let read = UnverifiedEnvelope::parse(&bytes).unwrap();
    let other_account = certificate("mallory", &device_key());
    assert_eq!(
        read.clone().verify(&other_account),
        Err(Sign1Error::OtherKey)
    );
    let other_key = certificate("alice", &SigningKey::from_seed(&[3; 32]));
    assert_eq!(read.verify(&other_key), Err(Sign1Error::OtherKey));
}

#[test]
fn the_signature_covers_labels_and_payload() {
    let good = envelope().sign(&device_key());
    let needle = b"did:web:bob.example";
    let at = good
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap();
    for at in [at + 8, good.len() - 100, good.len() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        let read = UnverifiedEnvelope::parse(&changed);
        let verified = read.and_then(|read| read.verify(&certificate("alice", &device_key())));
        assert!(verified.is_err(), "{at}");
    }
}

/// An envelope with labels of free choice.
fn with_labels(labels: Vec<(&str, Value)>) -> Result<UnverifiedEnvelope, Sign1Error> {
    let labels = labels
        .into_iter()
        .map(|(label, value)| (label.to_owned(), value))
        .collect();
    let payload = EnvelopePayload {
        sealed: vec![1],
        welcome: vec![2],
    };
    let object = sign1::sign_bytes(TYPE, labels, &cbor::encode(&payload), &device_key());
    UnverifiedEnvelope::parse(&object)
}

#[test]
fn labels_are_exact() {
    let labels = || {
        vec![
            ("to", Value::from("did:web:bob.example")),
            ("cert", Value::Bytes(vec![1])),
            ("from", Value::from("did:web:alice.example")),
            ("nonce", Value::Bytes(vec![1; 16])),
        ]
    };
    assert!(with_labels(labels()).is_ok());
    let replaced = |at: usize, label: &'static str, value: Value| {
        let mut labels = labels();
        labels[at] = (label, value);
        with_labels(labels)
    };
    let refused = [
        (
            "short nonce",
            replaced(3, "nonce", Value::Bytes(vec![1; 15])),
        ),
        ("nonce as text", replaced(3, "nonce", Value::from("x"))),
        ("not a DID", replaced(0, "to", Value::from("bob"))),
        ("cert as text", replaced(1, "cert", Value::from("x"))),
        ("other label", replaced(1, "cort", Value::Bytes(vec![1]))),
        ("missing label", with_labels(labels()[..3].to_vec())),
        (
            "extra label",
            with_labels([labels(), vec![("reply", Value::Null)]].concat()),
        ),
    ];
    for (what, refused) in refused {
        assert_eq!(refused.err(), Some(Sign1Error::Malformed), "{what}");
    }
}

#[test]
fn size_and_type_are_checked() {
    let large = Envelope {
        sealed: vec![0; MAX_ENVELOPE],
        ..envelope()
    };
    let parsed = UnverifiedEnvelope::parse(&large.sign(&device_key()));
    assert_eq!(parsed.err(), Some(Sign1Error::TooLarge));
    let fits = Envelope {
        sealed: vec![0; 65_576],
        welcome: vec![0; 60_000],
        ..envelope()
    };
    assert!(UnverifiedEnvelope::parse(&fits.sign(&device_key())).is_ok());
    assert_eq!(
        UnverifiedEnvelope::parse(&envelope().cert).err(),
        Some(Sign1Error::Type)
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(UnverifiedEnvelope::parse(&bytes).is_err());
    }
}
