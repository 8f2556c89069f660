//! Deliveries and acknowledgements (docs/protocol.md §4.7).

use serde::{Deserialize, Serialize};

use super::MailboxKey;
use crate::{did::Did, key::Thumbprint};

/// A message in a device's queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Where it was put.
    pub k: MailboxKey,
    /// The message: a sealed frame from a grant, an envelope from a DID mailbox.
    #[serde(with = "serde_bytes")]
    pub m: Vec<u8>,
    /// Its id, [`super::message_id`].
    pub id: String,
    /// Thumbprint of the sender's delegate key that the relay verified: a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kt: Option<Thumbprint>,
    /// The sender's account that the relay verified: a hint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<Did>,
}

/// "This device has this message."
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ack {
    /// Where it was put.
    pub k: MailboxKey,
    /// Its id.
    pub id: String,
}

/// `POST /pmr/v1/messages/acks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acks {
    /// At most the capability's `maxAckBatch`.
    pub acks: Vec<Ack>,
}

/// `GET /pmr/v1/messages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagesPage {
    /// What to ask the next page with; absent on the last.
    pub cursor: Option<String>,
    /// Oldest first, at most [`super::MAX_PAGE`].
    pub messages: Vec<Delivery>,
}
