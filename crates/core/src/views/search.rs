//! Search.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Some of what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SearchView {
    /// Newest first.
    pub hits: Vec<SearchHitView>,
    /// The `before` with which the search goes on; null at its end.
    #[ts(type = "number | null")]
    pub more: Option<i64>,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct SearchHitView {
    /// The message.
    #[ts(type = "number")]
    pub message_id: i64,
    /// Hex of its conversation's id.
    pub conversation_id: String,
    /// Whether the user wrote it.
    pub mine: bool,
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub sent_at: i64,
    /// What it says around the words that were looked for, on one line.
    pub snippet: String,
    /// Where those words are in the snippet, ascending.
    pub marks: Vec<MarkView>,
}

/// A range of a snippet, in UTF-16 code units as JavaScript counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MarkView {
    /// Where it begins.
    pub start: u32,
    /// Where it ends, not included.
    pub end: u32,
}
