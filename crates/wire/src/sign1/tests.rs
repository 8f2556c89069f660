use coset::{CoseSign1, TaggedCborSerializable as _};
use proptest::prelude::*;

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    a: u64,
}

impl SignedPayload for Sample {
    const TYPE: &'static str = "chat.sotto/test/v1";
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn check(object: &[u8]) -> Result<Sample, Sign1Error> {
    verify(object, &key().public())
}

/// Signs an object of free choice, with a signature that is always good.
fn forge(protected: Value, unprotected: Value, payload: &[u8]) -> Vec<u8> {
    let protected = cbor::encode(&protected);
    let signature = key().sign(&to_be_signed(&protected, payload)).to_vec();
    let parts = vec![
        Value::Bytes(protected),
        unprotected,
        Value::Bytes(payload.to_vec()),
        Value::Bytes(signature),
    ];
    cbor::encode(&Value::Tag(TAG_SIGN1, Box::new(Value::Array(parts))))
}

fn header(alg: i64, typ: &str) -> Vec<(Value, Value)> {
    let kid = key().public().thumbprint().as_bytes().to_vec();
    vec![
        (Value::from(1), Value::from(alg)),
        (Value::from(4), Value::Bytes(kid)),
        (Value::from(16), Value::from(typ)),
    ]
}

fn empty() -> Value {
    Value::Map(Vec::new())
}

#[test]
fn another_implementation_reads_and_verifies_it() {
    let object = sign(&Sample { a: 7 }, &key());
    let parsed = CoseSign1::from_tagged_slice(&object).unwrap();
    parsed
        .verify_signature(b"", |signature, data| {
            key().public().verify(data, signature)
        })
        .unwrap();
    let header = &parsed.protected.header;
    assert_eq!(
        header.alg,
        Some(coset::Algorithm::Assigned(coset::iana::Algorithm::EdDSA))
    );
    assert_eq!(header.key_id, key().public().thumbprint().as_bytes());
    assert_eq!(
        header.rest,
        [(coset::Label::Int(16), Value::from(Sample::TYPE))]
    );
    assert!(parsed.unprotected.is_empty());
    assert_eq!(
        parsed.payload.as_deref(),
        Some(&[0xa1, 0x61, 0x61, 0x07][..])
    );
}

#[test]
fn reads_what_another_implementation_signed() {
    let protected = coset::HeaderBuilder::new()
        .algorithm(coset::iana::Algorithm::EdDSA)
        .key_id(key().public().thumbprint().as_bytes().to_vec())
        .value(16, Value::from(Sample::TYPE))
        .build();
    let object = coset::CoseSign1Builder::new()
        .protected(protected)
        .payload(cbor::encode(&Sample { a: 7 }))
        .create_signature(b"", |data| key().sign(data).to_vec())
        .build()
        .to_tagged_vec()
        .unwrap();
    assert_eq!(object, sign(&Sample { a: 7 }, &key()));
    assert_eq!(check(&object), Ok(Sample { a: 7 }));
}

#[test]
fn the_header_is_exact() {
    let payload = cbor::encode(&Sample { a: 7 });
    let exact = forge(Value::Map(header(-8, Sample::TYPE)), empty(), &payload);
    assert_eq!(check(&exact), Ok(Sample { a: 7 }));
    let with = |label: Value, value: Value| {
        let mut entries = header(-8, Sample::TYPE);
        entries.push((label, value));
        forge(Value::Map(entries), empty(), &payload)
    };
    let without = |at: usize| {
        let mut entries = header(-8, Sample::TYPE);
        entries.remove(at);
        forge(Value::Map(entries), empty(), &payload)
    };
    let es256 = forge(Value::Map(header(-7, Sample::TYPE)), empty(), &payload);
    let unprotected = Value::Map(vec![(Value::from(4), Value::Bytes(vec![1]))]);
    let unprotected = forge(Value::Map(header(-8, Sample::TYPE)), unprotected, &payload);
    for (what, object) in [
        ("extra integer label", with(Value::from(17), Value::from(1))),
        ("extra text label", with(Value::from("x"), Value::from(1))),
        ("no alg", without(0)),
        ("no kid", without(1)),
        ("no typ", without(2)),
        ("other algorithm", es256),
        ("unprotected header", unprotected),
        ("header not a map", forge(Value::from(1), empty(), &payload)),
    ] {
        assert_eq!(check(&object), Err(Sign1Error::Malformed), "{what}");
    }
    let other_type = forge(
        Value::Map(header(-8, "chat.sotto/test/v2")),
        empty(),
        &payload,
    );
    assert_eq!(check(&other_type), Err(Sign1Error::Type));
}

#[test]
fn the_kid_is_the_keys() {
    let mut entries = header(-8, Sample::TYPE);
    entries[1].1 = Value::Bytes(vec![0; 32]);
    let object = forge(
        Value::Map(entries),
        empty(),
        &cbor::encode(&Sample { a: 7 }),
    );
    assert_eq!(check(&object), Err(Sign1Error::OtherKey));
}

#[test]
fn the_encoding_is_exact() {
    let good = sign(&Sample { a: 7 }, &key());
    assert_eq!(check(&good[1..]), Err(Sign1Error::Malformed), "no tag");
    assert_eq!(
        check(&good[..good.len() - 1]),
        Err(Sign1Error::Malformed),
        "truncated"
    );
    assert_eq!(
        check(&[&good[..], &[0]].concat()),
        Err(Sign1Error::Malformed),
        "trailing"
    );
    assert_eq!(
        check(&[&[0xd8, 18], &good[1..]].concat()),
        Err(Sign1Error::Malformed),
        "long tag"
    );
    assert_eq!(check(&[]), Err(Sign1Error::Malformed));
    assert_eq!(
        check(&vec![0; MAX_SIGNED_OBJECT + 1]),
        Err(Sign1Error::TooLarge)
    );
}

#[test]
fn a_good_signature_over_a_bad_payload() {
    for payload in [
        "",
        "a0",
        "a16161 1807",
        "a2616107616200",
        "a1616107 00",
        "07",
    ] {
        let payload = hex::decode(payload.replace(' ', "")).unwrap();
        let object = forge(Value::Map(header(-8, Sample::TYPE)), empty(), &payload);
        assert_eq!(check(&object), Err(Sign1Error::Payload), "{payload:x?}");
    }
}

#[test]
fn every_bit_counts() {
    let good = sign(&Sample { a: 7 }, &key());
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut changed = good.clone();
            changed[at] ^= 1 << bit;
            assert!(check(&changed).is_err(), "byte {at} bit {bit}");
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(check(&bytes).is_err());
    }
}
