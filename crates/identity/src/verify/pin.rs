//! What a client keeps of a verified account.

use serde::{Deserialize, Serialize};
use sotto_wire::claim::Incoming;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::key::PublicKey;

use super::Evidence;
use crate::plc::KnownLog;
use crate::repo::Tid;

/// How well an account's key is established (docs/protocol.md §1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// By the record and its claim: the account's server vouches.
    Vended,
    /// Also by the DID document: for did:plc the one of its verified operation log (§1.5).
    Anchored,
}

/// The state of a verified account. Kept by the client and given back with the next verification,
/// which then notices what went backwards or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The account.
    pub did: Did,
    /// Its delegate key.
    pub key: PublicKey,
    /// Its discovery domain.
    pub domain: Domain,
    /// Whom it wants to hear from.
    pub incoming: Incoming,
    /// The `seq` of the claim; never to go backwards.
    pub claim_seq: u64,
    /// The revision of the repository; never to go backwards.
    pub repo_rev: Tid,
    /// How well the key is established.
    pub level: Level,
    /// Older keys of the account, oldest first, from which its verified succession leads to `key`
    /// (docs/protocol.md §1.3).
    #[serde(default)]
    pub predecessors: Vec<PublicKey>,
    /// What it was established by. Nothing in a pin of a version that did not keep it.
    #[serde(default)]
    pub evidence: Evidence,
}

/// What was kept of an earlier verification of an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Without it no rolled back state and no exchanged key is noticed.
    pub pin: Option<&'a Pin>,
    /// Without it no rolled back or rewritten operation log is noticed.
    pub log: Option<&'a KnownLog>,
}

impl<'a> From<Option<&'a Pin>> for Known<'a> {
    fn from(pin: Option<&'a Pin>) -> Self {
        Self { pin, log: None }
    }
}
