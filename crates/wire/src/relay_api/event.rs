//! Frames of the events socket (docs/protocol.md §4.7): two CBOR values, header and body.

use std::collections::BTreeMap;

use ciborium::Value;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Ack, Delivery, GrantLifecycle, Paused};
use crate::cbor::{self, CborError};

const OP_MESSAGE: u8 = 1;
/// A header takes fewer bytes than this.
const MAX_HEADER: usize = 64;

/// An event in either direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The first event of a socket, and whenever something of it changes.
    Capabilities(Capabilities),
    /// A message.
    Delivery(Delivery),
    /// The pool is no longer empty.
    Pool,
    /// The backlog is through.
    CaughtUp,
    /// From the device: it has a message.
    Ack(Ack),
}

/// Why an event was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not the two CBOR values of an event.
    #[error(transparent)]
    Malformed(#[from] CborError),
    /// An event of a later version; a reader passes over it.
    #[error("event of an unknown type")]
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    t: String,
    op: u8,
}

/// What a relay does for a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    /// Whether it issues grants to this device.
    pub gr: GrantLifecycle,
    /// Why it takes no mail for the account's DID mailbox (§4.3); absent where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
}

impl From<GrantLifecycle> for Capabilities {
    fn from(gr: GrantLifecycle) -> Self {
        Self { gr, paused: None }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Empty {}

impl Event {
    /// The event as a binary frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Capabilities(capabilities) => frame("#capabilities", capabilities),
            Self::Delivery(delivery) => frame("#delivery", delivery),
            Self::Pool => frame("#pool", &Empty {}),
            Self::CaughtUp => frame("#caughtUp", &Empty {}),
            Self::Ack(ack) => frame("#ack", ack),
        }
    }

    /// Reads a binary frame of at most `max` bytes.
    ///
    /// # Errors
    /// [`EventError`].
    pub fn decode(bytes: &[u8], max: usize) -> Result<Self, EventError> {
        if bytes.len() > max {
            return Err(CborError::TooLarge.into());
        }
        let header_len = cbor::first_item_len(bytes)?;
        let (header, body) = bytes
            .split_at_checked(header_len)
            .ok_or(CborError::Malformed)?;
        let header: Header = cbor::decode(header, MAX_HEADER)?;
        if header.op != OP_MESSAGE {
            return Err(EventError::Unknown);
        }
        match header.t.as_str() {
            "#capabilities" => capabilities(body),
            "#delivery" => read(body).map(Self::Delivery),
            "#pool" => read(body).map(|Empty {}| Self::Pool),
            "#caughtUp" => read(body).map(|Empty {}| Self::CaughtUp),
            "#ack" => read(body).map(Self::Ack),
            _ => Err(EventError::Unknown),
        }
    }
}

/// A body that grows: fields that are not known here are passed over (PMR, "#capabilities"), and so is
/// the whole event where it names a state that is not.
fn capabilities(body: &[u8]) -> Result<Event, EventError> {
    let fields: BTreeMap<String, Value> = read(body)?;
    let gr = fields.get("gr").and_then(Value::as_text);
    let gr = gr.and_then(GrantLifecycle::parse);
    // A reason that is not known is still one.
    let paused = fields
        .get("paused")
        .map(|why| why.deserialized().unwrap_or(Paused::Refused));
    gr.map(|gr| Event::Capabilities(Capabilities { gr, paused }))
        .ok_or(EventError::Unknown)
}

fn read<T: Serialize + DeserializeOwned>(body: &[u8]) -> Result<T, EventError> {
    Ok(cbor::decode(body, body.len())?)
}

fn frame<T: Serialize>(t: &str, body: &T) -> Vec<u8> {
    let mut out = cbor::encode(&Header {
        t: t.to_owned(),
        op: OP_MESSAGE,
    });
    out.extend_from_slice(&cbor::encode(body));
    out
}
