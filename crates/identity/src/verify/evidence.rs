//! What a verification rests on, for whoever wants to look at it.

use cid::Cid;
use serde::{Deserialize, Serialize};
use sotto_wire::claim::Claim;
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use sotto_wire::sign1;
use sotto_wire::succession::Succession;
use sotto_wire::time::Timestamp;

use crate::plc::{LoggedOperation, VerifiedLog};

/// What an account was verified by. For display: nothing is decided by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Evidence {
    /// The CID of the delegation record.
    pub record_cid: Option<String>,
    /// When the claim was signed, according to who signed it.
    pub claim_issued_at: Option<Timestamp>,
    /// The PLC operation that brought the present `#e2ee` key into the DID document.
    pub anchored: Option<LoggedOperation>,
    /// The PLC operation that removed the last `#e2ee` key, where there is none now.
    pub unanchored: Option<LoggedOperation>,
    /// How the delegate keys followed one another, oldest first. Empty where the record's chain
    /// does not hold.
    pub succession: Vec<Endorsement>,
}

/// A delegate key's word for the next one, verified (docs/protocol.md §1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endorsement {
    /// The older key, which signed.
    pub predecessor: PublicKey,
    /// The newer key.
    pub successor: PublicKey,
    /// When it was signed, according to who signed it.
    pub issued_at: Timestamp,
}

impl Evidence {
    pub(super) fn of(
        record_cid: Option<&Cid>,
        claim: &Claim,
        record: &DelegationRecord,
        log: Option<&VerifiedLog>,
    ) -> Self {
        Self {
            record_cid: record_cid.map(Cid::to_string),
            claim_issued_at: Some(claim.issued_at),
            anchored: log.and_then(|log| log.anchored.clone()),
            unanchored: log.and_then(|log| log.unanchored.clone()),
            succession: endorsements(record, &claim.did).unwrap_or_default(),
        }
    }
}

/// The steps of a chain that holds from its beginning to the record's key.
fn endorsements(record: &DelegationRecord, did: &Did) -> Option<Vec<Endorsement>> {
    let first = record.succession.first()?;
    let mut key = sign1::parse_unverified::<Succession>(first)
        .ok()?
        .predecessor;
    let mut seq = None;
    let mut steps = Vec::with_capacity(record.succession.len());
    for object in &record.succession {
        let step = Succession::verify(object, &key).ok()?;
        let grows = seq.is_none_or(|seq| step.seq > seq);
        (step.did == *did && grows).then_some(())?;
        (key, seq) = (step.successor, Some(step.seq));
        steps.push(Endorsement {
            predecessor: step.predecessor,
            successor: step.successor,
            issued_at: step.issued_at,
        });
    }
    (key == record.key).then_some(steps)
}
