//! Bodies of the attachment endpoints (docs/protocol.md §4.8). An object itself is its bytes.

use serde::{Deserialize, Serialize};

use crate::{attachment::ObjectName, time::Timestamp};

/// `GET /pmr/v1/attachments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectList {
    /// What to ask the next page with; absent on the last.
    pub cursor: Option<String>,
    /// What the account keeps, in the order of the names, at most [`super::MAX_OBJECT_PAGE`].
    pub objects: Vec<ListedObject>,
}

/// An object as its relay lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedObject {
    /// Its name.
    pub name: ObjectName,
    /// Its length in bytes.
    pub size: u64,
    /// When it goes.
    pub expires: Timestamp,
}
