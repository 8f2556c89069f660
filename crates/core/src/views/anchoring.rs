//! The own key in the account's DID document (docs/protocol.md §1.7).

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the account's DID document says about its encryption key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum AnchorStanding {
    /// It was not looked at yet.
    Unknown,
    /// It names no key.
    Absent,
    /// It names this device's key.
    Anchored,
    /// It names another key: nobody who checks writes to this account now.
    OtherKey,
}

/// How far a change of the document has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub enum AnchoringStep {
    /// None is under way.
    Idle,
    /// The permission is asked for in the browser.
    Browser,
    /// A code was sent by e-mail.
    Code,
}

/// What the owner of a `did:web` does by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WebAnchorView {
    /// Where the document is.
    pub document_url: String,
    /// The entry for its `verificationMethod`, as indented JSON.
    pub entry: String,
}

/// The own key in the account's DID document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AnchoringView {
    /// The own key, `did:key:z6Mk…`.
    pub key: String,
    /// What was seen last.
    pub standing: AnchorStanding,
    /// When it was first seen to be so, milliseconds since 1970.
    #[ts(type = "number | null")]
    pub since: Option<i64>,
    /// When the document was looked at last, milliseconds since 1970.
    #[ts(type = "number | null")]
    pub checked_at: Option<i64>,
    /// For a `did:web`; the others change their document here.
    pub web: Option<WebAnchorView>,
    /// How far a change has come.
    pub step: AnchoringStep,
    /// Whether that change removes the key.
    pub removing: bool,
    /// The key that takes over as soon as the document names it, `did:key:z6Mk…`.
    pub successor: Option<String>,
}
