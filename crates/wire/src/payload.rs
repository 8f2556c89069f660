//! Application payloads (docs/protocol.md §3.2): what an MLS application message holds.

use crate::{
    cbor,
    device::DeviceId,
    domain::Domain,
    frame::{MAX_FRAME, SealKey},
    grant::GrantKey,
    time::Timestamp,
};

mod wire;

/// The length of group ids in bytes (§3).
pub const GROUP_ID_LEN: usize = 16;
/// The most grants, the most key packages, and the most lost groups, in one payload.
pub const MAX_ITEMS: usize = 16;
/// The most acknowledgements in one payload; a peer has at most 16 devices and seldom more send
/// groups.
pub const MAX_ACKS: usize = 256;

/// The length of marks in bytes (§3.2).
pub const MARK_LEN: usize = 8;
/// Tells two frames apart that a sender whose disk was set back sealed under the same number (§3.7).
pub type Mark = [u8; MARK_LEN];
/// No mark: before the first frame, or not known.
pub const NO_MARK: Mark = [0; MARK_LEN];

/// What one frame says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    /// The frame's number in its send group, from 1; 0 for one that carries acknowledgements only.
    pub seq: u64,
    /// What the sender has processed of the recipient's send groups.
    pub acks: Vec<Ack>,
    /// Which frame this is and which one it follows (§3.7); only where `seq` is not 0.
    pub link: Option<Link>,
    /// Send groups of the recipient that the sender cannot read (§3.7).
    pub lost: Vec<Lost>,
    /// The lowest number of a frame that the sender still keeps: what is below it was acknowledged
    /// by every device, and does not come again (§3.7).
    pub first: u64,
    /// The sender's user is typing (§5); only where `seq` is 0.
    pub typing: bool,
    /// MIMI content (§5).
    pub content: Option<Vec<u8>>,
    /// Where the recipients' devices can reach the sending device.
    pub grants: Vec<PayloadGrant>,
    /// A key package for each device of the sender's account.
    pub key_packages: Vec<Vec<u8>>,
}

/// "Everything in this send group up to and including `seq` is processed."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The send group's id, [`GROUP_ID_LEN`] bytes.
    pub group: Vec<u8>,
    /// The last number without a gap before it.
    pub seq: u64,
    /// The mark of the frame with this number; [`NO_MARK`] where it is not known.
    pub mark: Mark,
}

/// A frame's place in the sequence of its send group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The mark of the frame with the number before; [`NO_MARK`] for the first.
    pub after: Mark,
    /// This frame's mark: random, the same however often the number is sealed.
    pub mark: Mark,
}

/// A send group that its reader cannot read, named as far as the reader knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lost {
    /// By its group id.
    Group([u8; GROUP_ID_LEN]),
    /// By the SHA-256 of its Welcome, which the reader could not open.
    Welcome([u8; 32]),
}

/// A grant as its owner gives it to one device of the peer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadGrant {
    /// The device that may use it.
    pub to: DeviceId,
    /// The key of the grant (§4.6).
    pub key: GrantKey,
    /// The relay where it is put: the discovery domain of the sender.
    pub host: Domain,
    /// The key that seals frames put there; no relay knows it.
    pub seal: SealKey,
    /// When the relay stops to honour it.
    pub expires: Timestamp,
}

/// Why a payload was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Not deterministic CBOR of the structure of §3.2, or too large.
    #[error("payload is malformed")]
    Malformed,
    /// A version that this implementation does not know.
    #[error("payload has an unknown version")]
    Version,
    /// More entries than the format allows, or a group id or a mark of another length.
    #[error("payload exceeds a limit")]
    Limit,
}

impl Payload {
    /// The payload as CBOR. Empty lists of grants and key packages are left out, as the format
    /// prescribes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(&wire::Borrowed::from(self))
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`PayloadError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        let decoded: wire::Owned =
            cbor::decode(bytes, MAX_FRAME).map_err(|_| PayloadError::Malformed)?;
        decoded.check()
    }
}

#[cfg(test)]
#[path = "payload/tests.rs"]
mod tests;
