use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    longer: u64,
    a: Bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    b: Option<String>,
}

fn sample(hex: &str) -> Result<Sample, CborError> {
    decode(&hex::decode(hex).unwrap(), 1024)
}

#[test]
fn fields_are_sorted_whatever_their_order() {
    let value = Sample {
        longer: 1000,
        a: Bytes(vec![1]),
        b: Some("x".into()),
    };
    let bytes = encode(&value);
    assert_eq!(
        hex::encode(&bytes),
        "a36161410161626178666c6f6e6765721903e8"
    );
    assert_eq!(decode::<Sample>(&bytes, 1024), Ok(value));
}

#[test]
fn refuses_every_other_spelling() {
    let accepted = "a2616141016 66c6f6e67657201".replace(' ', "");
    assert!(sample(&accepted).is_ok());
    for (what, hex, error) in [
        (
            "unsorted keys",
            "a2666c6f6e6765720161614101",
            CborError::NotDeterministic,
        ),
        (
            "duplicate key",
            "a3616141016161410166 6c6f6e67657201",
            CborError::NotDeterministic,
        ),
        (
            "long integer",
            "a261614101666c6f6e6765721801",
            CborError::NotDeterministic,
        ),
        (
            "long integer 2",
            "a261614101666c6f6e676572190001",
            CborError::NotDeterministic,
        ),
        (
            "long length",
            "a26161580101666c6f6e67657201",
            CborError::NotDeterministic,
        ),
        (
            "indefinite map",
            "bf61614101666c6f6e67657201ff",
            CborError::NotDeterministic,
        ),
        (
            "indefinite bytes",
            "a261615f4101ff666c6f6e67657201",
            CborError::NotDeterministic,
        ),
        (
            "float",
            "a261614101666c6f6e676572f93c00",
            CborError::NotDeterministic,
        ),
        (
            "undefined",
            "a261614101666c6f6e676572f7",
            CborError::NotDeterministic,
        ),
        (
            "trailing byte",
            "a261614101666c6f6e6765720100",
            CborError::Malformed,
        ),
        (
            "truncated",
            "a261614101666c6f6e676572",
            CborError::Malformed,
        ),
        (
            "reserved info",
            "a261614101666c6f6e6765721c",
            CborError::Malformed,
        ),
        (
            "invalid UTF-8",
            "a3616141016162 61ff666c6f6e67657201",
            CborError::Malformed,
        ),
        (
            "unknown field",
            "a36161410161630166 6c6f6e67657201",
            CborError::Shape,
        ),
        ("missing field", "a161614101", CborError::Shape),
        (
            "null for absent",
            "a361614101 6162f6666c6f6e67657201",
            CborError::Shape,
        ),
        (
            "array for bytes",
            "a261618101666c6f6e67657201",
            CborError::Shape,
        ),
        (
            "text for bytes",
            "a261616101666c6f6e67657201",
            CborError::Shape,
        ),
        (
            "bytes for key",
            "a2416141 01666c6f6e67657201",
            CborError::Shape,
        ),
        ("bignum", "a261614101666c6f6e676572c24101", CborError::Shape),
        ("tagged", "a261614101666c6f6e676572c101", CborError::Shape),
        ("negative", "a261614101666c6f6e67657220", CborError::Shape),
        ("empty", "", CborError::Malformed),
    ] {
        assert_eq!(sample(&hex.replace(' ', "")), Err(error), "{what}");
    }
}

#[test]
fn bounds_size_and_depth() {
    assert_eq!(decode::<Vec<u8>>(&[0x80; 3], 2), Err(CborError::TooLarge));
    let nested = |depth: usize| [vec![0x81; depth], vec![0x00]].concat();
    assert!(decode::<Value>(&nested(MAX_DEPTH), 100_000).is_ok());
    assert_eq!(
        decode::<Value>(&nested(MAX_DEPTH + 1), 100_000),
        Err(CborError::Malformed)
    );
    assert_eq!(
        decode::<Value>(&nested(90_000), 100_000),
        Err(CborError::Malformed)
    );
}

#[test]
fn a_huge_count_does_not_allocate() {
    let bytes = hex::decode("9bffffffffffffffff").unwrap();
    assert_eq!(decode::<Vec<u8>>(&bytes, 100), Err(CborError::Malformed));
    let bytes = hex::decode("5bffffffffffffffff").unwrap();
    assert_eq!(decode::<Bytes>(&bytes, 100), Err(CborError::Malformed));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_what_is_accepted_is_canonical(
        bytes in proptest::collection::vec(any::<u8>(), 0..64)
    ) {
        if let Ok(value) = decode::<Value>(&bytes, 64) {
            prop_assert_eq!(encode(&value), bytes);
        }
    }

    #[test]
    fn what_is_encoded_is_decoded(longer: u64, a: Vec<u8>, b: Option<String>) {
        let value = Sample { longer, a: Bytes(a), b };
        prop_assert_eq!(decode::<Sample>(&encode(&value), 1 << 20), Ok(value));
    }
}

#[test]
fn keys_that_read_as_one_number_are_refused_and_no_panic() {
    // -1, and a big number that is -1 too.
    let twice = [0xa2, 0x20, 0x01, 0xc3, 0x40, 0x00];
    assert_eq!(decode::<Value>(&twice, 100), Err(CborError::Shape));
}
