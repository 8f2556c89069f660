//! Proofs out of a repository.

use super::did;
use crate::Target;
use cid::Cid;
use cid::multihash::Multihash;
use ipld_core::ipld::Ipld;
use sha2::{Digest as _, Sha256};
use sotto_identity::entries;
use sotto_identity::repo::{self, RepoKey};
use std::collections::BTreeMap;

pub(super) const CAR: Target = Target {
    name: "car",
    run: car,
};
pub(super) const DAG_CBOR: Target = Target {
    name: "dag_cbor",
    run: |bytes| drop(entries::dag_cbor(bytes)),
};
pub(super) const TREE: Target = Target {
    name: "tree",
    run: tree,
};

const KEY: &str = "zQ3shgVXZLaMzm5S5x7XzGUG6YFHFLtoEMiv9ao2Bqa7hGyg2";
const RECORD: &str = "chat.sotto.delegation/self";

/// A whole CAR, and a CAR of one block that is what its root says.
fn car(bytes: &[u8]) {
    let key = RepoKey::from_multibase(KEY).expect("a key");
    let prove = |car: &[u8]| repo::prove(car, &did(), &key, "chat.sotto.delegation", "self");
    let _ = prove(bytes);
    let _ = entries::tree(bytes, RECORD);
    let one = car_of(&[(cid(bytes), bytes.to_vec())]);
    assert!(prove(&one).is_err(), "nobody has signed it");
    let _ = entries::tree(&one, RECORD);
}

/// A tree whose nodes the bytes describe, each with the true hash of what it links to: keys that are
/// the one looked for or near it, in any order, at any depth.
fn tree(bytes: &[u8]) {
    let mut blocks = Vec::new();
    for description in bytes.split(|byte| *byte == b'/').take(64) {
        let node = node(description, &blocks);
        let Ok(block) = serde_ipld_dagcbor::to_vec(&node) else {
            return;
        };
        let cid = cid(&block);
        if !blocks.iter().any(|(known, _)| *known == cid) {
            blocks.push((cid, block));
        }
    }
    blocks.reverse();
    let _ = entries::tree(&car_of(&blocks), RECORD);
}

/// A byte for the link before the first key; then for each key how much it shares, how it goes on,
/// and its link.
fn node(description: &[u8], blocks: &[(Cid, Vec<u8>)]) -> Ipld {
    let link = |byte: Option<&u8>| {
        let known = byte.and_then(|byte| blocks.get(usize::from(*byte)));
        known.map_or(Ipld::Null, |(cid, _)| Ipld::Link(*cid))
    };
    let (first, rest) = match description.split_first() {
        Some((first, rest)) => (Some(first), rest),
        None => (None, &[][..]),
    };
    let entries = rest.chunks(4).map(|entry| {
        let byte = |at: usize| entry.get(at).copied().unwrap_or_default();
        let tail = RECORD.as_bytes().get(usize::from(byte(1))..);
        let key = match byte(2) {
            0 => tail.unwrap_or_default().to_vec(),
            other => vec![other],
        };
        Ipld::Map(BTreeMap::from([
            ("p".to_owned(), Ipld::Integer(i128::from(byte(0)))),
            ("k".to_owned(), Ipld::Bytes(key)),
            ("v".to_owned(), Ipld::Link(cid(&[byte(1)]))),
            ("t".to_owned(), link(entry.get(3))),
        ]))
    });
    Ipld::Map(BTreeMap::from([
        ("e".to_owned(), Ipld::List(entries.collect())),
        ("l".to_owned(), link(first)),
    ]))
}

fn cid(block: &[u8]) -> Cid {
    let digest = Multihash::wrap(0x12, &Sha256::digest(block)).expect("32 bytes");
    Cid::new_v1(0x71, digest)
}

fn car_of(blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    let root = blocks.first().map(|(cid, _)| Ipld::Link(*cid));
    let header = Ipld::Map(BTreeMap::from([
        ("roots".to_owned(), Ipld::List(root.into_iter().collect())),
        ("version".to_owned(), Ipld::Integer(1)),
    ]));
    let mut car = section(&serde_ipld_dagcbor::to_vec(&header).expect("memory"));
    for (cid, block) in blocks {
        car.extend(section(&[cid.to_bytes(), block.clone()].concat()));
    }
    car
}

fn section(content: &[u8]) -> Vec<u8> {
    let mut length = content.len();
    let mut out = Vec::new();
    while length > 0x7f {
        out.push(0x80 | u8::try_from(length & 0x7f).unwrap_or_default());
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap_or_default());
    out.extend_from_slice(content);
    out
}
