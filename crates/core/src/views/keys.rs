//! What crosses to TypeScript about keys that changed.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Why nothing goes out to a peer (docs/protocol.md §1.12, §1.13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HoldView {
    /// Code of the reason: `account.key_changed`, `account.no_delegation`, …
    pub code: String,
    /// The key that the account names now, as `did:key`; what `accept_key_change` accepts. Null
    /// where there is nothing to accept.
    pub key: Option<String>,
    /// Whether the user has compared safety numbers with this peer.
    pub confirmed: bool,
}
