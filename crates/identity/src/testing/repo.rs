//! A repository like a PDS's, made by hand, so that tests can make wrong ones as well.

use std::collections::BTreeMap;

use cid::Cid;
use cid::multihash::Multihash;
use ipld_core::ipld::Ipld;
use sha2::{Digest, Sha256};

use super::signer::RepoSigner;
use crate::repo::layer_of;

/// A repository with all its parts open to changes.
pub(crate) struct TestRepo {
    pub(crate) did: String,
    pub(crate) rev: String,
    pub(crate) version: i128,
    pub(crate) records: BTreeMap<String, Ipld>,
    pub(crate) signer: RepoSigner,
    pub(crate) high_s: bool,
}

impl TestRepo {
    pub(crate) fn new(did: &str) -> Self {
        Self {
            did: did.to_owned(),
            rev: "3jzfcijpj2z2a".to_owned(),
            version: 3,
            records: BTreeMap::new(),
            signer: RepoSigner::k256(),
            high_s: false,
        }
    }

    pub(crate) fn record(mut self, path: &str, record: Ipld) -> Self {
        self.records.insert(path.to_owned(), record);
        self
    }

    /// The blocks, root first.
    pub(crate) fn blocks(&self) -> Vec<(Cid, Vec<u8>)> {
        let mut blocks = Vec::new();
        let mut entries = Vec::new();
        for (path, record) in &self.records {
            entries.push((path.clone().into_bytes(), push(&mut blocks, record)));
        }
        let top = entries
            .iter()
            .map(|(key, _)| layer_of(key))
            .max()
            .unwrap_or(0);
        let data = tree(&mut blocks, &entries, top)
            .unwrap_or_else(|| push(&mut blocks, &node(Ipld::Null, Vec::new())));
        self.commit(blocks, data)
    }

    /// A repository of one node with these keys, in this order, whatever their layers; with
    /// `left`, another such node is linked before them.
    pub(crate) fn car_of_entries(&self, keys: &[&str], left: Option<&[&str]>) -> Vec<u8> {
        let mut blocks = Vec::new();
        let record = push(&mut blocks, &Ipld::Map(BTreeMap::new()));
        let list = |keys: &[&str]| {
            keys.iter()
                .map(|key| Ipld::Map(entry(0, key.as_bytes(), record)))
                .collect()
        };
        let left = left.map(|keys| push(&mut blocks, &node(Ipld::Null, list(keys))));
        let data = push(&mut blocks, &node(link(left), list(keys)));
        car(&self.commit(blocks, data))
    }

    fn commit(&self, mut blocks: Vec<(Cid, Vec<u8>)>, data: Cid) -> Vec<(Cid, Vec<u8>)> {
        let mut commit = BTreeMap::from([
            ("did".to_owned(), Ipld::String(self.did.clone())),
            ("version".to_owned(), Ipld::Integer(self.version)),
            ("data".to_owned(), Ipld::Link(data)),
            ("rev".to_owned(), Ipld::String(self.rev.clone())),
            ("prev".to_owned(), Ipld::Null),
        ]);
        let unsigned = serde_ipld_dagcbor::to_vec(&Ipld::Map(commit.clone())).unwrap();
        let mut signature = self.signer.sign(&unsigned);
        if self.high_s {
            signature = self.signer.high_s(&signature);
        }
        commit.insert("sig".to_owned(), Ipld::Bytes(signature));
        push(&mut blocks, &Ipld::Map(commit));
        blocks.reverse();
        blocks
    }

    pub(crate) fn car(&self) -> Vec<u8> {
        car(&self.blocks())
    }
}

/// A CAR whose root is the first block.
pub(crate) fn car(blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    let header = Ipld::Map(BTreeMap::from([
        (
            "roots".to_owned(),
            Ipld::List(vec![Ipld::Link(blocks[0].0)]),
        ),
        ("version".to_owned(), Ipld::Integer(1)),
    ]));
    let mut out = section(&serde_ipld_dagcbor::to_vec(&header).unwrap());
    for (cid, block) in blocks {
        out.extend(section(&[&cid.to_bytes(), block.as_slice()].concat()));
    }
    out
}

pub(crate) fn section(content: &[u8]) -> Vec<u8> {
    let mut length = content.len();
    let mut out = Vec::new();
    loop {
        let byte = u8::try_from(length & 0x7f).unwrap();
        length >>= 7;
        out.push(if length == 0 { byte } else { byte | 0x80 });
        if length == 0 {
            break;
        }
    }
    out.extend_from_slice(content);
    out
}

pub(crate) fn cid_of(block: &[u8]) -> Cid {
    Cid::new_v1(0x71, Multihash::wrap(0x12, &Sha256::digest(block)).unwrap())
}

fn push(blocks: &mut Vec<(Cid, Vec<u8>)>, value: &Ipld) -> Cid {
    let block = serde_ipld_dagcbor::to_vec(value).unwrap();
    let cid = cid_of(&block);
    if blocks.iter().all(|(known, _)| *known != cid) {
        blocks.push((cid, block));
    }
    cid
}

type Entries = [(Vec<u8>, Cid)];

fn tree(blocks: &mut Vec<(Cid, Vec<u8>)>, entries: &Entries, layer: u32) -> Option<Cid> {
    if entries.is_empty() {
        return None;
    }
    let mut left = Ipld::Null;
    let mut list: Vec<BTreeMap<String, Ipld>> = Vec::new();
    let mut last: &[u8] = &[];
    // Runs of keys of lower layers, and the keys of this one between them.
    for group in entries.chunk_by(|(a, _), (b, _)| layer_of(a).max(layer_of(b)) < layer) {
        let (key, record) = &group[0];
        if layer_of(key) < layer {
            let subtree = link(tree(blocks, group, layer - 1));
            match list.last_mut() {
                Some(entry) => _ = entry.insert("t".to_owned(), subtree),
                None => left = subtree,
            }
            continue;
        }
        let shared = key.iter().zip(last).take_while(|(a, b)| a == b).count();
        list.push(entry(shared, &key[shared..], *record));
        last = key;
    }
    let list = list.into_iter().map(Ipld::Map).collect();
    Some(push(blocks, &node(left, list)))
}

fn entry(shared: usize, rest: &[u8], record: Cid) -> BTreeMap<String, Ipld> {
    BTreeMap::from([
        (
            "p".to_owned(),
            Ipld::Integer(i128::try_from(shared).unwrap()),
        ),
        ("k".to_owned(), Ipld::Bytes(rest.to_vec())),
        ("v".to_owned(), Ipld::Link(record)),
        ("t".to_owned(), Ipld::Null),
    ])
}

fn link(cid: Option<Cid>) -> Ipld {
    cid.map_or(Ipld::Null, Ipld::Link)
}

fn node(left: Ipld, entries: Vec<Ipld>) -> Ipld {
    Ipld::Map(BTreeMap::from([
        ("l".to_owned(), left),
        ("e".to_owned(), Ipld::List(entries)),
    ]))
}
