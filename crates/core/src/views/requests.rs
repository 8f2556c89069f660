//! Who may reach the user, and who waits to.

use super::PeerView;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// From whom first messages come straight in (docs/protocol.md §3.5); all others are requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum IncomingPolicy {
    /// From nobody.
    None,
    /// From accounts that the user follows.
    Following,
    /// From everyone.
    Everyone,
}

/// The policy and whether others can see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// As it counts on this device.
    pub incoming: IncomingPolicy,
    /// Whether the account's record says so; if not, choosing it again tries again.
    pub published: bool,
}

/// A message of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RequestMessageView {
    /// Null where this version does not support the content.
    pub text: Option<String>,
    /// Milliseconds since 1970: when it arrived, by this device's clock.
    #[ts(type = "number")]
    pub at: i64,
}

/// Someone who waits for the user's word, and does not notice anything of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RequestView {
    /// Hex of the id of the conversation that there will be.
    pub id: String,
    /// Who it is; name and picture are not loaded.
    pub peer: PeerView,
    /// Oldest first.
    pub messages: Vec<RequestMessageView>,
    /// Milliseconds since 1970: when the first arrived.
    #[ts(type = "number")]
    pub since: i64,
}

/// Everyone who waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RequestsView {
    /// The latest first.
    pub requests: Vec<RequestView>,
    /// How many older ones went, because too many came.
    pub dropped: u32,
}
