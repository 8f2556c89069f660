//! Who can be reached on Germ instead.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Someone who does not use Sotto, but has declared to use Germ (docs/protocol.md §7.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct GermView {
    /// For display, and for `open_germ`; the DID where that is what was asked for.
    pub handle: String,
    /// Where they offer to be written to; null where they do not offer it to this user. For
    /// display: `open_germ` finds it again.
    pub url: Option<String>,
}
