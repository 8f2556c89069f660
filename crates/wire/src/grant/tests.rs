//! The numbers of the known-answer tests are those of the PMR draft
//! (`germ-network/atproto-pmr`, `packages/core/test/grant.spec.ts`).

use super::*;

fn key(byte: u8) -> GrantKey {
    GrantKey::from_bytes([byte; 32])
}

fn host(text: &str) -> Domain {
    Domain::parse(text).unwrap()
}

fn range(start: u8) -> [u8; 32] {
    std::array::from_fn(|at| start + u8::try_from(at).unwrap())
}

#[test]
fn addresses_are_those_of_the_draft() {
    for (key, name, expected) in [
        (
            key(0),
            "ger.mx",
            "957a006045548cb182426117a79e6c633727878e8151ee7e7938026fb2cacf6f",
        ),
        (
            key(0),
            "other.example",
            "8f3ec8cacb66ad9eba7ea29554a547d0d8271b44ed0aff28b58d8ae759d4eab8",
        ),
        (
            key(1),
            "ger.mx",
            "5fabab601a24b20be76a34b2343e0a5fc305e42b40a283fbfc1378c8a27454ef",
        ),
    ] {
        let address = address(&key, &host(name));
        let bytes: [u8; 32] = b64u::decode(address.as_str()).unwrap();
        assert_eq!(hex::encode(bytes), expected);
    }
    let address = address(&key(0), &host("ger.mx"));
    assert_eq!(
        address.as_str(),
        "lXoAYEVUjLGCQmEXp55sYzcnh46BUe5-eTgCb7LKz28"
    );
}

#[test]
fn tags_are_those_of_the_draft() {
    let address = address(&key(0), &host("ger.mx"));
    for (key, expected) in [
        (
            key(0),
            "21691c49aeb4dd1cde5600ae404e554874f1c5383b6a7d7f4b3ec52aea914933",
        ),
        (
            key(1),
            "2743675da005e36981999bdd805bd25a69b841a14110c00b3f254b602e65c8fd",
        ),
    ] {
        let tag = tag_of_digest(&key, &address, &range(0), &range(32));
        assert_eq!(hex::encode(tag), expected);
    }
}

#[test]
fn a_tag_covers_everything() {
    let at = address(&key(0), &host("ger.mx"));
    let put = GrantPut::new(&key(0), &at, "challenge", b"message".to_vec());
    assert!(verify_tag(&key(0), &at, &put));
    assert!(!verify_tag(&key(1), &at, &put));
    assert!(!verify_tag(
        &key(0),
        &address(&key(0), &host("other.example")),
        &put
    ));
    assert!(!verify_tag(
        &key(0),
        &at,
        &GrantPut {
            n: "challengf".into(),
            ..put.clone()
        }
    ));
    assert!(!verify_tag(
        &key(0),
        &at,
        &GrantPut {
            m: b"messagf".to_vec(),
            ..put.clone()
        }
    ));
    let mut flipped = put.clone();
    flipped.t[31] ^= 1;
    assert!(!verify_tag(&key(0), &at, &flipped));
}

#[test]
fn puts_are_closed_and_bounded() {
    let at = address(&key(0), &host("ger.mx"));
    let put = GrantPut::new(&key(0), &at, "c", vec![1]);
    let bytes = put.encode();
    assert_eq!(GrantPut::decode(&bytes, bytes.len()), Ok(put));
    assert_eq!(
        GrantPut::decode(&bytes, bytes.len() - 1),
        Err(CborError::TooLarge)
    );
    let short = cbor::encode(&ciborium::Value::Map(vec![
        ("m".into(), ciborium::Value::Bytes(vec![1])),
        ("n".into(), "c".into()),
        ("t".into(), ciborium::Value::Bytes(vec![0; 31])),
    ]));
    assert_eq!(GrantPut::decode(&short, 1024), Err(CborError::Shape));
}

#[test]
fn owners_recompute_addresses() {
    let grant = IssuedGrant {
        key: key(0),
        address: address(&key(0), &host("ger.mx")),
        expires: Timestamp(0),
    };
    assert!(grant.is_at(&host("ger.mx")));
    assert!(!grant.is_at(&host("other.example")));
}

#[test]
fn addresses_have_one_spelling() {
    let good = "lXoAYEVUjLGCQmEXp55sYzcnh46BUe5-eTgCb7LKz28";
    assert_eq!(Address::parse(good).unwrap().as_str(), good);
    for refused in [
        "",
        "lXoA",
        &format!("{good}="),
        &good.replace('-', "+"),
        &good.replace("28", "29"),
    ] {
        assert_eq!(Address::parse(refused), Err(InvalidAddress), "{refused}");
    }
}
