//! Which delegation may take the place of which (docs/protocol.md §1.9, "What is checked").

use serde_json::Value;
use sotto_wire::claim::Claim;
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use sotto_wire::pds_api::ErrorName;
use sotto_wire::sign1;
use sotto_wire::succession::{self, Succession};

use crate::error::ApiError;

/// A record whose claim holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Claimed {
    /// As it came.
    pub(crate) json: Value,
    pub(crate) record: DelegationRecord,
    seq: u64,
}

impl Claimed {
    /// Reads a record of `did` and verifies its claim.
    pub(crate) fn read(json: Value, did: &Did, development: bool) -> Result<Self, ApiError> {
        let refuse = |name, message| ApiError::new(name, message);
        let record = DelegationRecord::from_json(&json)
            .map_err(|_| refuse(ErrorName::InvalidRecord, "the record is malformed"))?;
        let bad_claim = refuse(
            ErrorName::InvalidClaim,
            "the claim is not one of the record's key for this account, domain and policy",
        );
        let claim = Claim::verify(&record.claim, &record.key).map_err(|_| bad_claim)?;
        let agrees =
            claim.did == *did && claim.domain == record.domain && claim.incoming == record.incoming;
        if !agrees {
            return Err(bad_claim);
        }
        if record.domain.base_url(development).is_err() {
            let message = "nobody can reach a relay at this domain";
            return Err(refuse(ErrorName::InvalidRecord, message));
        }
        Ok(Self {
            seq: claim.seq,
            json,
            record,
        })
    }
}

/// What a new delegation is measured by.
pub(crate) struct InForce<'a> {
    /// The record in force. `Err` is one that holds no valid claim: no key leads from it.
    pub(crate) record: Option<Result<&'a Claimed, ()>>,
    /// What the DID document names under `#e2ee`.
    pub(crate) document_key: Option<&'a str>,
}

/// Whether `wanted` may follow what is in force.
pub(crate) fn check(
    did: &Did,
    wanted: &Claimed,
    in_force: &InForce<'_>,
    unendorsed: bool,
) -> Result<(), ApiError> {
    let stands = matches!(in_force.record, Some(Ok(record)) if record.record == wanted.record);
    if let Some(Ok(record)) = in_force.record
        && !stands
        && wanted.seq <= record.seq
    {
        let message = "the claim's seq is not higher than that of the record in force";
        return Err(ApiError::new(ErrorName::ClaimNotNewer, message));
    }
    let (key, chain) = (&wanted.record.key, wanted.record.succession.as_slice());
    if !chain.is_empty() && !chain_holds(did, key, chain) {
        let message = "the succession does not lead to the record's key";
        return Err(ApiError::new(ErrorName::InvalidRecord, message));
    }
    let leads = |known: &PublicKey| succession::leads_from(known, chain, key, did);
    let from_record = match in_force.record {
        None => true,
        Some(Ok(record)) => leads(&record.record.key),
        Some(Err(())) => false,
    };
    let from_document = match in_force.document_key {
        None => true,
        Some(text) => PublicKey::from_did_key(text).is_ok_and(|key| leads(&key)),
    };
    if unendorsed || (from_record && from_document) {
        Ok(())
    } else {
        let message = "no succession leads from the key in force to the record's key";
        Err(ApiError::new(ErrorName::Unendorsed, message))
    }
}

/// Whether a chain holds from its first step to its last. A broken one would make every reader who
/// knew an earlier key refuse the account, whoever meant it.
fn chain_holds(did: &Did, key: &PublicKey, chain: &[Vec<u8>]) -> bool {
    let last = chain
        .last()
        .and_then(|step| sign1::parse_unverified::<Succession>(step).ok());
    last.is_some_and(|last| {
        last.predecessor != *key && succession::leads_from(&last.predecessor, chain, key, did)
    })
}

#[cfg(test)]
#[path = "rules/tests.rs"]
mod tests;
