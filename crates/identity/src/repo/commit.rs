//! Commits of repository format version 3.

use cid::Cid;
use serde::{Deserialize, Serialize};
use sotto_wire::did::Did;

use super::{ProofError, RepoKey, Tid, car, dag_cbor};

/// A commit that the account's key signed.
pub(super) struct Commit {
    /// The root of the tree of records.
    pub(super) data: Cid,
    pub(super) rev: Tid,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    did: String,
    version: u64,
    data: Cid,
    rev: String,
    prev: Option<Cid>,
    #[serde(with = "serde_bytes")]
    sig: Vec<u8>,
}

/// What the signature is over.
#[derive(Serialize)]
struct Unsigned<'a> {
    did: &'a str,
    version: u64,
    data: Cid,
    rev: &'a str,
    prev: Option<Cid>,
}

pub(super) fn verify(block: &[u8], did: &Did, key: &RepoKey) -> Result<Commit, ProofError> {
    let signed: Signed = dag_cbor::decode(block)?;
    let Signed {
        did: of,
        version,
        data,
        rev,
        prev,
        sig,
    } = &signed;
    let unsigned = Unsigned {
        did: of,
        version: *version,
        data: *data,
        rev,
        prev: *prev,
    };
    if !key.verify(&dag_cbor::encode(&unsigned)?, sig) {
        return Err(ProofError::Signature);
    }
    if of != did.as_str() {
        return Err(ProofError::WrongAccount);
    }
    if *version != 3 || !car::is_repo_cid(data) {
        return Err(ProofError::Invalid);
    }
    let rev = Tid::parse(rev).map_err(|_| ProofError::Invalid)?;
    Ok(Commit { data: *data, rev })
}
