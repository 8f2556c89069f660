//! Files that go with messages.

use super::ErrorView;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How far a file has come (docs/protocol.md §4.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum AttachmentState {
    /// On its way to the relay; the message goes when it is there.
    Uploading,
    /// On its way, in whichever direction, and waiting for the next attempt.
    Waiting,
    /// At a relay: `fetch_attachment` gets it.
    Remote,
    /// On its way here.
    Downloading,
    /// Here: `save_attachment` writes it to a file.
    Here,
    /// Given up; `error` says why.
    Failed,
    /// The relay has it no more.
    Gone,
}

/// One file of a message. Name and type are the sender's word until it is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentView {
    /// Which of the message's.
    pub index: u32,
    /// Safe to show and to save under.
    pub name: String,
    /// `image/png`
    pub mime: String,
    /// In bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// Opening it may run something.
    pub dangerous: bool,
    /// How far it has come.
    pub state: AttachmentState,
    /// Bytes that have come that far.
    #[ts(type = "number")]
    pub done: u64,
    /// Why it failed.
    pub error: Option<ErrorView>,
    /// A `data:` URL: a small picture, made here.
    pub thumbnail: Option<String>,
    /// Of the picture, in pixels.
    pub width: Option<u32>,
    /// The same.
    pub height: Option<u32>,
}

/// What there is to say of a file by its sender's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FileView {
    /// Safe to show.
    pub name: String,
    /// `image/png`
    pub mime: String,
}
