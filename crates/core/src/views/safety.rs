//! Safety numbers (docs/protocol.md §1.8).

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What two people compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SafetyNumberView {
    /// Hex.
    pub conversation_id: String,
    /// 60 decimal digits, the same for both; to be given back when the user confirms it.
    pub number: String,
    /// For the other person to scan.
    pub code: SafetyCodeView,
    /// Milliseconds since 1970 of the comparison; null where the key is not confirmed.
    #[ts(type = "number | null")]
    pub confirmed_at: Option<i64>,
}

/// A QR code to draw, dark on light, with four modules of quiet zone around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SafetyCodeView {
    /// Modules of one side.
    pub size: u32,
    /// Data of an SVG path over the dark modules, each a unit square.
    pub path: String,
}

/// What a picture said about the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum SafetyComparison {
    /// Each has the other's key; the peer's is confirmed now.
    Match,
    /// It is the code that this device shows.
    OwnCode,
    /// It is about another pair of people.
    OtherPerson,
    /// The peer's key is not the one known here.
    PeerKeyDiffers,
    /// The peer knows another key for this account.
    OwnKeyDiffers,
    /// A safety code that this version does not know.
    OtherVersion,
    /// A QR code that is no safety code.
    NotACode,
    /// No QR code was found.
    NoCode,
}
