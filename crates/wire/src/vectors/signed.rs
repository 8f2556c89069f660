//! What every format of signed objects refuses.

use ciborium::Value as Cbor;
use serde_json::Value;

use super::{key, refused};
use crate::{cbor, sign1};

/// Ways to spoil a signed object, by the key of seed 1, whose payload is given.
pub(super) fn spoiled<T: std::fmt::Debug, E: std::fmt::Debug>(
    typ: &str,
    good: &[u8],
    payload: &[u8],
    verify: impl Fn(&[u8]) -> Result<T, E>,
) -> Vec<Value> {
    let sign = |typ, labels, payload: &[u8]| sign1::sign_bytes(typ, labels, payload, &key(1));
    let mut flipped = good.to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let mut other_alg = good.to_vec();
    let alg = good
        .windows(3)
        .position(|at| at == [0x01, 0x27, 0x04])
        .unwrap();
    other_alg[alg + 1] = 0x26;
    let long_map = [&[0xb8, payload[0] & 0x1f], &payload[1..]].concat();
    let by_other_key = sign1::sign_bytes(typ, Vec::new(), payload, &key(9));
    let label = vec![("x".to_owned(), Cbor::from(1))];
    [
        ("flipped signature bit", flipped),
        ("S not in range", with_large_s(good)),
        (
            "another type string",
            sign("chat.sotto/other/v1", Vec::new(), payload),
        ),
        ("another algorithm", other_alg),
        ("further header", sign(typ, label, payload)),
        ("signed by another key", by_other_key),
        ("tag not shortest", [&[0xd8, 0x12], &good[1..]].concat()),
        ("without the tag", good[1..].to_vec()),
        ("truncated", good[..good.len() - 1].to_vec()),
        ("trailing byte", [good, &[0]].concat()),
        (
            "payload not deterministic",
            sign(typ, Vec::new(), &long_map),
        ),
        (
            "payload with a further field",
            sign(typ, Vec::new(), &with_field(payload)),
        ),
    ]
    .map(|(name, bytes)| refused(name, &bytes, verify(&bytes)))
    .into()
}

/// The object with S + L for S: a signature that is good unless its range is checked.
fn with_large_s(good: &[u8]) -> Vec<u8> {
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let (mut bytes, mut carry) = (good.to_vec(), 0);
    let s = bytes.len() - 32;
    for (byte, add) in bytes[s..].iter_mut().zip(order.unwrap()) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (u8::try_from(sum & 0xff).unwrap(), sum >> 8);
    }
    bytes
}

/// The payload's map with one entry more.
fn with_field(payload: &[u8]) -> Vec<u8> {
    let mut map: Cbor = cbor::decode(payload, 1 << 16).unwrap();
    map.as_map_mut()
        .unwrap()
        .push((Cbor::from("zzzzzzzzzzzzzzzz"), Cbor::from(1)));
    cbor::encode(&map)
}
