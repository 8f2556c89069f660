//! Succession proofs: how the keys of a declaration follow from one another.
//!
//! A proof is the older key and its signature over the account, itself and the key after it. Which
//! key comes after it is not in the proof: it is the older key of the next one, and the current key
//! for the last. Each is therefore verified under *its own* key, never under the one it leads to.

use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;

use super::GermError;
use super::linear::{Reader, write_account, write_data, write_key};

/// Most proofs in one chain; the encoding of a list has no room for more.
pub(super) const MAX_PROOFS: usize = 254;

/// One older key's word for the next.
pub(super) struct Proof<'a> {
    predecessor: PublicKey,
    signature: &'a [u8; 64],
}

impl<'a> Proof<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, GermError> {
        Ok(Self {
            predecessor: reader.key()?,
            signature: reader.signature()?,
        })
    }

    /// A proof that stands by itself.
    pub(super) fn from_bytes(bytes: &'a [u8]) -> Result<Self, GermError> {
        let mut reader = Reader::new(bytes);
        let proof = Self::read(&mut reader)?;
        reader.end()?;
        Ok(proof)
    }
}

/// Verifies a chain (oldest first) that ends at `current`; gives the keys before it, oldest first.
pub(super) fn verify(
    chain: &[Proof<'_>],
    current: &PublicKey,
    did: &Did,
) -> Result<Vec<PublicKey>, GermError> {
    let mut successor = current;
    for proof in chain.iter().rev() {
        proof
            .predecessor
            .verify(
                &signed_bytes(did, &proof.predecessor, successor),
                proof.signature,
            )
            .map_err(|_| GermError::Succession)?;
        successor = &proof.predecessor;
    }
    Ok(chain.iter().map(|proof| proof.predecessor).collect())
}

/// What the older key signs.
pub(super) fn signed_bytes(did: &Did, predecessor: &PublicKey, successor: &PublicKey) -> Vec<u8> {
    let mut out = Vec::new();
    write_data(&mut out, b"AnchorSuccession");
    write_account(&mut out, did.as_str());
    write_key(&mut out, predecessor);
    write_key(&mut out, successor);
    out
}
