//! What a verified log says: the account as it is, and since when its delegate key stands there.

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::{KnownLog, LogError, State};

/// The name of the delegate key among the verification methods (docs/protocol.md §1.4 step 4).
const E2EE: &str = "e2ee";

/// An operation of a log, for whoever wants to look it up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedOperation {
    /// Its CID, as the directory lists it.
    pub cid: String,
    /// When the directory took it, milliseconds since 1970.
    pub created_at: u64,
}

/// A log that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerifiedLog {
    /// The account after the last operation in force.
    pub(crate) state: State,
    /// To be kept for the next verification.
    pub(crate) known: KnownLog,
    /// The operation that brought the present `e2ee` key.
    pub(crate) anchored: Option<LoggedOperation>,
    /// The operation that removed the last one, where there is none now.
    pub(crate) unanchored: Option<LoggedOperation>,
}

impl VerifiedLog {
    /// `valid` are the entries in force, oldest first.
    pub(super) fn new(
        entries: Vec<Entry>,
        valid: &[usize],
        known: KnownLog,
    ) -> Result<Self, LogError> {
        let in_force = || valid.iter().filter_map(|&index| entries.get(index));
        let last = in_force().next_back().ok_or(LogError::Malformed)?;
        let state = last.operation.state.clone().ok_or(LogError::Tombstoned)?;
        // The oldest of the operations at the end that agree about the key.
        let since = in_force()
            .rev()
            .take_while(|entry| e2ee(entry) == e2ee(last))
            .last();
        let since = since.map(|entry| LoggedOperation {
            cid: entry.cid.clone(),
            created_at: entry.created_at,
        });
        let had_one = in_force().any(|entry| e2ee(entry).is_some());
        let (anchored, unanchored) = match e2ee(last) {
            Some(_) => (since, None),
            None => (None, since.filter(|_| had_one)),
        };
        Ok(Self {
            state,
            known,
            anchored,
            unanchored,
        })
    }
}

fn e2ee(entry: &Entry) -> Option<&str> {
    let state = entry.operation.state.as_ref()?;
    state.verification_methods.get(E2EE).map(String::as_str)
}
