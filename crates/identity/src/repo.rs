//! Proof of one record, or of its absence, out of an account's repository (docs/protocol.md §1.4
//! step 2). The bytes come from a server that may be hostile; everything is bounded and checked:
//! sizes, the hash of every block, the commit's signature and account, the path through the tree.

use cid::Cid;
use serde_json::Value;
use sotto_wire::did::Did;
use thiserror::Error;

mod car;
mod commit;
mod dag_cbor;
#[cfg(feature = "testing")]
pub(crate) mod entries;
mod fetch;
mod key;
mod mst;
mod tid;

pub use fetch::FetchError;
pub use key::{InvalidRepoKey, RepoKey};
#[cfg(test)]
pub(crate) use mst::layer_of;
pub use tid::{InvalidTid, Tid};

/// The largest proof that is read, in bytes.
pub const MAX_CAR: usize = 2 * 1024 * 1024;

/// The largest record that is read, in bytes: decoded, many small values take many times their
/// size. None that is read here needs half of this.
pub const MAX_RECORD: usize = 256 * 1024;

/// What a proof proves.
#[derive(Clone, Debug, PartialEq)]
pub struct Proved {
    /// The revision of the repository that it is about.
    pub rev: Tid,
    /// The record as AT Protocol JSON (bytes as `{"$bytes": …}`), or that there is none.
    pub record: Option<Value>,
    /// The CID of the record.
    pub cid: Option<Cid>,
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ProofError {
    /// The account's key did not sign this commit.
    #[error("the repository is not signed by the account's key")]
    Signature,
    /// The commit is one of another account.
    #[error("the proof is about another account")]
    WrongAccount,
    /// Too large, malformed, a hash that does not match, a missing block, a path that does not lead
    /// to the record or to the place where it would be.
    #[error("the proof is not valid")]
    Invalid,
}

impl ProofError {
    /// The code for the UI.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Signature => "account.bad_signature",
            Self::WrongAccount | Self::Invalid => "account.bad_proof",
        }
    }
}

/// Verifies `car` (the answer to `com.atproto.sync.getRecord`) as a proof about the record
/// `collection`/`rkey` of `did`, whose repository key is `key`.
///
/// # Errors
/// [`ProofError`].
pub fn prove(
    car: &[u8],
    did: &Did,
    key: &RepoKey,
    collection: &str,
    rkey: &str,
) -> Result<Proved, ProofError> {
    let car = car::Car::parse(car)?;
    let commit = commit::verify(car.root_block()?, did, key)?;
    let path = format!("{collection}/{rkey}");
    let cid = mst::find(&car, &commit.data, &path)?;
    let record = match &cid {
        Some(cid) => {
            let block = car.block(cid)?;
            if block.len() > MAX_RECORD {
                return Err(ProofError::Invalid);
            }
            Some(dag_cbor::to_json(block)?)
        }
        None => None,
    };
    Ok(Proved {
        rev: commit.rev,
        record,
        cid,
    })
}

#[cfg(test)]
mod tests;
