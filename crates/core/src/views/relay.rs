//! The own relay, and moving to another one.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Where the account receives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RelayView {
    /// The discovery domain.
    pub domain: String,
    /// A move that is under way.
    pub moving: Option<MoveView>,
    /// Relays that were left where something may still come, the latest first.
    pub former: Vec<FormerRelayView>,
}

/// A move to another relay that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MoveView {
    /// Where to.
    pub domain: String,
    /// Others may see it already: it goes on, and `cancel_move` refuses where they do.
    pub published: bool,
}

/// A relay that was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FormerRelayView {
    /// Which.
    pub domain: String,
    /// People who have not been seen to write to the later relay.
    pub awaited_peers: u32,
    /// Whether files that were sent from there may still be fetched.
    pub awaits_files: bool,
    /// Milliseconds since 1970: nothing is collected there after that, whatever is missing.
    #[ts(type = "number")]
    pub until: i64,
    /// Milliseconds since 1970 of the last time that everything which lay there was fetched; null
    /// where it has not answered since.
    #[ts(type = "number | null")]
    pub reached_at: Option<i64>,
}

/// What a relay offers to who might move there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RelayOfferView {
    /// Its discovery domain, as it was understood.
    pub domain: String,
    /// Days for which it keeps a message.
    pub message_days: u32,
    /// Days for which it keeps a file; null where it takes no files.
    pub file_days: Option<u32>,
    /// Bytes that there is room for in files; null where it takes no files.
    #[ts(type = "number | null")]
    pub file_bytes: Option<u64>,
}
