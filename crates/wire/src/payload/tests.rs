use ciborium::Value;
use proptest::prelude::*;

use super::*;

fn grant() -> PayloadGrant {
    PayloadGrant {
        to: DeviceId::from_bytes([1; 16]),
        key: GrantKey::from_bytes([2; 32]),
        host: Domain::parse("relay.example").unwrap(),
        seal: SealKey::from_bytes([3; 32]),
        expires: Timestamp(1_700_000_000),
    }
}

fn full() -> Payload {
    Payload {
        seq: 3,
        acks: vec![Ack {
            group: vec![9; 16],
            seq: 2,
            mark: [5; 8],
        }],
        link: Some(Link {
            after: [8; 8],
            mark: [10; 8],
        }),
        lost: vec![Lost::Group([6; 16]), Lost::Welcome([7; 32])],
        first: 2,
        typing: false,
        content: Some(vec![1, 2]),
        grants: vec![grant()],
        key_packages: vec![vec![4; 3]],
    }
}

/// The payload's fields, changed and encoded again.
fn changed(change: impl FnOnce(&mut Vec<(Value, Value)>)) -> Result<Payload, PayloadError> {
    let mut entries: Value = cbor::decode(&full().encode(), 4096).unwrap();
    change(entries.as_map_mut().unwrap());
    Payload::decode(&cbor::encode(&entries))
}

fn set(name: &'static str, value: Value) -> Result<Payload, PayloadError> {
    changed(|entries| {
        entries.retain(|(key, _)| key.as_text() != Some(name));
        entries.push((Value::from(name), value));
    })
}

#[test]
fn round_trips() {
    for payload in [
        full(),
        Payload::default(),
        Payload {
            typing: true,
            ..Payload::default()
        },
        Payload {
            content: Some(vec![]),
            ..full()
        },
    ] {
        assert_eq!(Payload::decode(&payload.encode()), Ok(payload));
    }
}

#[test]
fn absent_lists_are_not_empty_lists() {
    let encoded = Payload::default().encode();
    assert_eq!(
        hex::encode(&encoded),
        "a461760163736571006461636b738065666972737400"
    );
    let empty = Value::Array(Vec::new());
    assert_eq!(set("grants", empty.clone()), Err(PayloadError::Malformed));
    assert_eq!(set("keyPackages", empty), Err(PayloadError::Malformed));
    assert_eq!(set("content", Value::Null), Err(PayloadError::Malformed));
}

#[test]
fn versions_and_limits() {
    assert_eq!(set("v", Value::from(2)), Err(PayloadError::Version));
    assert_eq!(set("more", Value::from(2)), Err(PayloadError::Malformed));
    assert_eq!(set("seq", Value::from(-1)), Err(PayloadError::Malformed));
    let ack = |len: usize| {
        let mark = Value::Bytes(vec![0; 8]);
        Value::Array(vec![Value::Bytes(vec![0; len]), Value::from(1), mark])
    };
    assert_eq!(
        set("acks", Value::Array(vec![ack(15)])),
        Err(PayloadError::Limit)
    );
    let short = Value::Array(vec![Value::Bytes(vec![0; 7]); 2]);
    assert_eq!(set("link", short), Err(PayloadError::Limit));
    assert!(set("acks", Value::Array(vec![ack(16); MAX_ACKS])).is_ok());
    assert_eq!(
        set("acks", Value::Array(vec![ack(16); MAX_ACKS + 1])),
        Err(PayloadError::Limit)
    );
    let packages = Value::Array(vec![Value::Bytes(vec![0]); MAX_ITEMS + 1]);
    assert_eq!(set("keyPackages", packages), Err(PayloadError::Limit));
    let lost = |len, n| Value::Array(vec![Value::Bytes(vec![0; len]); n]);
    assert_eq!(set("lost", lost(16, 17)), Err(PayloadError::Limit));
    assert_eq!(set("lost", lost(20, 1)), Err(PayloadError::Limit));
    assert_eq!(
        set("typing", Value::Bool(true)),
        Err(PayloadError::Malformed),
        "in a frame that is kept"
    );
    assert_eq!(
        set("seq", Value::from(0)),
        Err(PayloadError::Malformed),
        "a place in the sequence without a number"
    );
    let grants = Payload {
        grants: vec![grant(); MAX_ITEMS + 1],
        ..full()
    };
    assert_eq!(Payload::decode(&grants.encode()), Err(PayloadError::Limit));
    assert_eq!(
        Payload::decode(&vec![0; MAX_FRAME + 1]),
        Err(PayloadError::Malformed)
    );
}

#[test]
fn keys_stay_out_of_logs() {
    let text = format!("{:?}", full());
    assert!(
        text.contains("GrantKey(redacted)") && text.contains("SealKey(redacted)"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(payload) = Payload::decode(&bytes) {
            prop_assert_eq!(payload.encode(), bytes);
        }
    }

    #[test]
    fn one_changed_byte_gives_an_error_or_another_payload(at in 0usize..200, to: u8) {
        let mut bytes = full().encode();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        prop_assert_ne!(Payload::decode(&bytes), Ok(full()));
    }
}
