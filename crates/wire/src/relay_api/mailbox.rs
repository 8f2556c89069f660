//! Mailboxes (docs/protocol.md §4.5 and §4.7): their keys, the ids of what lies in them, and the
//! pool before them.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    b64u,
    did::Did,
    grant::{Address, InvalidAddress},
};

/// The first byte of message ids: SHA-256 in the multihash table.
const HASH_SHA256: u8 = 0x12;

/// Where a message was put: at an account, or at a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MailboxKey {
    /// The DID mailbox of an account.
    Did(Did),
    /// A grant, by its bare address.
    Grant(Address),
}

impl MailboxKey {
    /// The key's text: the DID, or the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Did(did) => did.as_str(),
            Self::Grant(address) => address.as_str(),
        }
    }
}

impl fmt::Display for MailboxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for MailboxKey {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        match Did::parse(&text) {
            Ok(did) => Ok(Self::Did(did)),
            Err(_) => Address::parse(&text).map(Self::Grant),
        }
    }
}

impl From<MailboxKey> for String {
    fn from(key: MailboxKey) -> Self {
        match key {
            MailboxKey::Did(did) => did.into(),
            MailboxKey::Grant(address) => address.into(),
        }
    }
}

/// The id of a message: the same for every put of the same bytes at the same mailbox.
///
/// `stable` is the put's `m` for a grant and the envelope's payload for a DID mailbox
/// ([`crate::first_contact::UnverifiedEnvelope::payload_bytes`]).
#[must_use]
pub fn message_id(key: &MailboxKey, stable: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(key.as_str());
    hash.update([0]);
    hash.update(stable);
    b64u::encode([&[HASH_SHA256][..], &hash.finalize()].concat())
}

/// `GET /pmr/v1/pool`: senders that wait for the owner's decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Their accounts.
    pub dids: Vec<Did>,
}

/// `GET /pmr/v1/blocks`: senders whose puts come to nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    /// Their accounts.
    pub dids: Vec<Did>,
}

/// `POST /pmr/v1/pool/adjudication`: the owner's decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjudication {
    /// Senders whose messages go.
    pub discard: Vec<Did>,
    /// Senders whose messages come through, but not later ones: they stay unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub release: Vec<Did>,
    /// Senders whose messages come through, these and later ones.
    pub provision: Vec<Did>,
}
