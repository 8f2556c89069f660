//! The Merkle search tree of a repository: a walk from its root to one key, or to the place where
//! the key would have to be.
//!
//! Every key has a layer (leading zeros of its SHA-256, in pairs of bits). A node holds the keys of
//! one layer in order, and between them links to nodes of the layer below. The walk holds every
//! node it sees to that: otherwise a tree could show a record to one reader and hide it from
//! another that searches differently.

use cid::Cid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::car::{Car, is_repo_cid};
use super::{ProofError, dag_cbor};

/// Longest key: a collection (317), a slash and a record key (512).
const MAX_KEY: usize = 830;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Node {
    /// Link to the keys before the first entry.
    l: Option<Cid>,
    e: Vec<Entry>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// How many bytes the key shares with the one before it in this node.
    p: u64,
    /// The rest of the key.
    #[serde(with = "serde_bytes")]
    k: Vec<u8>,
    /// The record.
    v: Cid,
    /// Link to the keys between this one and the next.
    t: Option<Cid>,
}

/// The record at `key`, or nothing where the tree proves that there is none.
pub(super) fn find(car: &Car<'_>, root: &Cid, key: &str) -> Result<Option<Cid>, ProofError> {
    let key = key.as_bytes();
    let mut walk = Step {
        node: *root,
        layer: None,
        after: Vec::new(),
        before: None,
    };
    loop {
        let node: Node = dag_cbor::decode(car.block(&walk.node)?)?;
        match step(walk, node, key)? {
            Outcome::Found(cid) => return Ok(Some(cid)),
            Outcome::Absent => return Ok(None),
            // Ends: the layer, at most 128 at the root, falls with each step.
            Outcome::Below(next) => walk = next,
        }
    }
}

/// Where the walk is, and what the nodes above say about this one.
struct Step {
    node: Cid,
    /// Unknown for the root only.
    layer: Option<u32>,
    /// All keys of the node lie between these.
    after: Vec<u8>,
    before: Option<Vec<u8>>,
}

enum Outcome {
    Found(Cid),
    Absent,
    Below(Step),
}

fn step(here: Step, node: Node, key: &[u8]) -> Result<Outcome, ProofError> {
    let Step {
        layer,
        mut after,
        mut before,
        ..
    } = here;
    let keys = check_keys(&node, layer, &after, before.as_deref())?;
    let Some(layer) = keys.first().map(|first| layer_of(first)).or(layer) else {
        // A root without entries is that of an empty repository.
        return if node.l.is_none() {
            Ok(Outcome::Absent)
        } else {
            Err(ProofError::Invalid)
        };
    };
    let mut link = node.l;
    for (entry, entry_key) in node.e.into_iter().zip(keys) {
        if entry_key == key {
            return Ok(Outcome::Found(entry.v));
        }
        if entry_key.as_slice() > key {
            before = Some(entry_key);
            break;
        }
        after = entry_key;
        link = entry.t;
    }
    let Some(node) = link else {
        return Ok(Outcome::Absent);
    };
    let layer = Some(layer.checked_sub(1).ok_or(ProofError::Invalid)?);
    Ok(Outcome::Below(Step {
        node,
        layer,
        after,
        before,
    }))
}

/// The keys of a node in full, after checking that they are in order, within the bounds that the
/// nodes above set, and all of one layer.
fn check_keys(
    node: &Node,
    layer: Option<u32>,
    after: &[u8],
    before: Option<&[u8]>,
) -> Result<Vec<Vec<u8>>, ProofError> {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for entry in &node.e {
        let last = keys.last().map_or(&[][..], Vec::as_slice);
        let shared = usize::try_from(entry.p).map_err(|_| ProofError::Invalid)?;
        let key = [last.get(..shared).ok_or(ProofError::Invalid)?, &entry.k].concat();
        let floor = if keys.is_empty() { after } else { last };
        let expected = layer.or_else(|| keys.first().map(|first| layer_of(first)));
        let valid = key.len() <= MAX_KEY
            && key.as_slice() > floor
            && expected.is_none_or(|layer| layer == layer_of(&key))
            && is_repo_cid(&entry.v);
        if !valid {
            return Err(ProofError::Invalid);
        }
        keys.push(key);
    }
    match (keys.last(), before) {
        (Some(last), Some(before)) if last.as_slice() >= before => Err(ProofError::Invalid),
        _ => Ok(keys),
    }
}

/// Leading zeros of the key's SHA-256, in pairs of bits.
pub(crate) fn layer_of(key: &[u8]) -> u32 {
    let mut zeros = 0;
    for byte in Sha256::digest(key) {
        zeros += byte.leading_zeros();
        if byte != 0 {
            break;
        }
    }
    zeros / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_the_specification() {
        for (key, layer) in [
            ("", 0),
            ("asdf", 0),
            ("blue", 1),
            ("2653ae71", 0),
            ("88bfafc7", 2),
            ("2a92d355", 4),
            ("884976f5", 6),
            ("app.bsky.feed.post/454397e440ec", 4),
            ("app.bsky.feed.post/9adeb165882c", 8),
        ] {
            assert_eq!(layer_of(key.as_bytes()), layer, "{key}");
        }
    }
}
