//! What is kept of a verified log: enough to notice that it was cut off or rewritten, and to spare
//! the signatures.

use serde::{Deserialize, Serialize};
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;
use thiserror::Error;

use super::LogError;
use super::entry::Entry;
use super::replay::RECOVERY_WINDOW;

/// A log as it was seen and verified. Kept by the client, in [`KnownLog::to_bytes`], and given back
/// with the next verification of the account. About 50 bytes an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownLog {
    did: Did,
    /// When it was seen last, in seconds since 1970 by our own clock.
    seen: u64,
    entries: Vec<KnownEntry>,
}

/// Digest; place of the signer among the rotation keys; the directory's date in milliseconds since
/// 1970; when it was first seen, in seconds since 1970 by our own clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownEntry(#[serde(with = "serde_bytes")] [u8; 32], u8, u64, u64);

/// Not what [`KnownLog::to_bytes`] gives.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a known operation log")]
pub struct InvalidKnownLog;

impl KnownLog {
    /// The account.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// How many operations it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Never: a log has a first operation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it says all that `other` says: the same operations, and maybe more.
    #[must_use]
    pub fn extends(&self, other: &Self) -> bool {
        let begins_alike = self.entries.iter().zip(&other.entries);
        self.did == other.did
            && self.len() >= other.len()
            && begins_alike
                .into_iter()
                .all(|(ours, theirs)| ours.0 == theirs.0)
    }

    /// The form to keep it in.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Into memory, and of nothing but numbers and text, this cannot fail.
        serde_ipld_dagcbor::to_vec(self).unwrap_or_default()
    }

    /// Reads what was kept.
    ///
    /// # Errors
    /// [`InvalidKnownLog`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidKnownLog> {
        serde_ipld_dagcbor::from_slice(bytes).map_err(|_| InvalidKnownLog)
    }

    pub(super) fn of(
        did: &Did,
        entries: &[Entry],
        signers: &[u8],
        before: Option<&Self>,
        now: Timestamp,
    ) -> Self {
        let first_seen = |index: usize| {
            let known = before.and_then(|known| known.entries.get(index));
            known.map_or(now.0, |entry| entry.3)
        };
        let kept = entries.iter().zip(signers).enumerate();
        Self {
            did: did.clone(),
            seen: before.map_or(now.0, |known| known.seen.max(now.0)),
            entries: kept
                .map(|(index, (entry, signer))| {
                    KnownEntry(entry.digest, *signer, entry.created_at, first_seen(index))
                })
                .collect(),
        }
    }

    /// Every entry is still where it was.
    pub(super) fn check_prefix(&self, entries: &[Entry]) -> Result<(), LogError> {
        let same = |(known, entry): (&KnownEntry, &Entry)| {
            known.0 == entry.digest && known.2 == entry.created_at
        };
        if !self.entries.iter().zip(entries).all(same) {
            return Err(LogError::Rewritten);
        }
        if entries.len() < self.entries.len() {
            return Err(LogError::RolledBack);
        }
        Ok(())
    }

    pub(super) fn signer(&self, index: usize) -> Option<u8> {
        self.entries.get(index).map(|entry| entry.1)
    }

    /// Whether an entry was seen, and 72 hours later seen again: what overrules it now comes too
    /// late, whatever date it bears.
    pub(super) fn is_final(&self, index: usize) -> bool {
        let first = self.entries.get(index).map(|entry| entry.3);
        first.is_some_and(|first| self.seen.saturating_sub(first) > RECOVERY_WINDOW / 1000)
    }
}
