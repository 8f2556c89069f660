//! What messages say of one another (docs/protocol.md §5).

use super::FileView;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The message that another one answers, as it is at present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReplyView {
    /// Null where it is not here (any more).
    #[ts(type = "number | null")]
    pub message_id: Option<i64>,
    /// Whether the user wrote it.
    pub mine: bool,
    /// As the text of a message.
    pub text: Option<String>,
    /// Its file, where it has no text beside it.
    pub file: Option<FileView>,
}

/// A reaction to a message, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReactionView {
    /// One visible character.
    pub emoji: String,
    /// The user's.
    pub mine: bool,
    /// The peer's.
    pub peer: bool,
}

/// A text that a message had before it was edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EditView {
    /// Milliseconds since 1970: since when it had it.
    #[ts(type = "number")]
    pub at: i64,
    /// Null where this version does not support the content.
    pub text: Option<String>,
}

/// What peers are told of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptsView {
    /// That their messages were read.
    pub read: bool,
    /// That something is being written to them.
    pub typing: bool,
}
