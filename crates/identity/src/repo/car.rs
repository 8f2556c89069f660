//! CAR v1: a header that names the root, then blocks, each with its CID.

use std::collections::HashMap;

use cid::Cid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{MAX_CAR, ProofError, dag_cbor};

const MAX_BLOCK: usize = 1024 * 1024;
const MAX_BLOCKS: usize = 2000;
const DAG_CBOR: u64 = 0x71;
const SHA2_256: u64 = 0x12;
/// CID v1, DAG-CBOR, SHA-256, 32 bytes: how every CID of a repository begins, and how long it is.
const CID_PREFIX: [u8; 4] = [1, 0x71, 0x12, 32];
const CID_LENGTH: usize = 36;

/// The blocks of a CAR, all of them with the content that their CID says.
pub(super) struct Car<'a> {
    root: Cid,
    blocks: HashMap<Cid, &'a [u8]>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    roots: Vec<Cid>,
    version: u64,
}

impl<'a> Car<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ProofError> {
        if bytes.len() > MAX_CAR {
            return Err(ProofError::Invalid);
        }
        let mut rest = bytes;
        let header: Header = dag_cbor::decode(take_section(&mut rest)?)?;
        let [root] = header.roots.as_slice() else {
            return Err(ProofError::Invalid);
        };
        if header.version != 1 {
            return Err(ProofError::Invalid);
        }
        let mut blocks = HashMap::new();
        while !rest.is_empty() {
            if blocks.len() >= MAX_BLOCKS {
                return Err(ProofError::Invalid);
            }
            let (cid, block) = read_block(take_section(&mut rest)?)?;
            if blocks.insert(cid, block).is_some() {
                return Err(ProofError::Invalid);
            }
        }
        Ok(Self {
            root: *root,
            blocks,
        })
    }

    /// What the header names.
    #[cfg(feature = "testing")]
    pub(super) fn root(&self) -> Cid {
        self.root
    }

    /// The block that the header names.
    pub(super) fn root_block(&self) -> Result<&'a [u8], ProofError> {
        self.block(&self.root)
    }

    /// A block; one that is not there breaks the proof.
    pub(super) fn block(&self, cid: &Cid) -> Result<&'a [u8], ProofError> {
        self.blocks.get(cid).copied().ok_or(ProofError::Invalid)
    }
}

/// Takes one length-prefixed section off the front.
fn take_section<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], ProofError> {
    let length = take_varint(rest)?;
    if length > MAX_BLOCK + CID_LENGTH {
        return Err(ProofError::Invalid);
    }
    let (section, after) = rest.split_at_checked(length).ok_or(ProofError::Invalid)?;
    *rest = after;
    Ok(section)
}

/// An unsigned LEB128 number in its shortest form, up to 28 bits (a section is far shorter).
fn take_varint(rest: &mut &[u8]) -> Result<usize, ProofError> {
    let mut value = 0;
    for shift in [0, 7, 14, 21] {
        let (&byte, after) = rest.split_first().ok_or(ProofError::Invalid)?;
        *rest = after;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let shortest = byte != 0 || shift == 0;
            return if shortest {
                Ok(value)
            } else {
                Err(ProofError::Invalid)
            };
        }
    }
    Err(ProofError::Invalid)
}

fn read_block(section: &[u8]) -> Result<(Cid, &[u8]), ProofError> {
    let (cid, block) = section
        .split_at_checked(CID_LENGTH)
        .ok_or(ProofError::Invalid)?;
    let digest = cid.strip_prefix(&CID_PREFIX).ok_or(ProofError::Invalid)?;
    if digest != Sha256::digest(block).as_slice() {
        return Err(ProofError::Invalid);
    }
    Ok((Cid::try_from(cid).map_err(|_| ProofError::Invalid)?, block))
}

/// Whether a CID has the one form that a repository uses; others could never be found.
pub(super) fn is_repo_cid(cid: &Cid) -> bool {
    cid.codec() == DAG_CBOR && cid.hash().code() == SHA2_256 && cid.hash().size() == 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_short() {
        let read = |mut bytes: &[u8]| take_varint(&mut bytes);
        assert_eq!(read(&[0]), Ok(0));
        assert_eq!(read(&[0x7f]), Ok(127));
        assert_eq!(read(&[0x80, 1]), Ok(128));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0x7f]), Ok(0x0fff_ffff));
        for refused in [
            &[][..],
            &[0x80],
            &[0x80, 0],
            &[0xff; 5],
            &[0x80, 0x80, 0x80, 0x80, 1],
        ] {
            assert_eq!(read(refused), Err(ProofError::Invalid), "{refused:?}");
        }
    }
}
