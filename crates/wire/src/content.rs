//! Message content (docs/protocol.md §5): MIMI content (draft-ietf-mimi-content-08).

use sha2::{Digest as _, Sha256};

use crate::{
    conversation::ConversationId,
    did::Did,
    frame::MAX_FRAME,
    random::{self, Random},
};

mod body;
mod external;
mod part;
mod read;

pub use body::{Body, STATUS_READ};
pub use external::{Disposition, ExternalPart};

/// The longest text in bytes of UTF-8.
pub const MAX_TEXT: usize = 16_384;
/// The longest reaction in bytes of UTF-8.
pub const MAX_REACTION: usize = 64;
/// The most messages that one status report names when it is sent.
pub const MAX_STATUSES: usize = 100;
/// The most parts of a message, the outermost included.
pub const MAX_PARTS: usize = 16;
/// The length of salts in bytes.
pub const SALT_LEN: usize = 16;

/// SHA-256 in the IANA registry of named information hash algorithms.
const HASH_SHA256: u8 = 1;

/// Names a message by its sender, its conversation and its content ([`message_id`]).
pub type MessageId = [u8; 32];

/// What somebody said or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Random bytes that make the message's id unique.
    pub salt: [u8; SALT_LEN],
    /// The message, always its first version, that this one takes the place of.
    pub replaces: Option<MessageId>,
    /// When it is to disappear.
    pub expires: Option<Expires>,
    /// The message that this one answers or reacts to.
    pub in_reply_to: Option<MessageId>,
    /// The rest.
    pub body: Body,
}

/// When a message is to disappear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expires {
    /// So many seconds after it was read, or, at its author's, sent.
    After(u32),
    /// At this time, in seconds since 1970, read or not.
    At(u32),
}

/// Why content was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Not MIMI content in deterministic CBOR.
    #[error("content is malformed")]
    Malformed,
    /// Longer than [`MAX_TEXT`], [`MAX_STATUSES`] or [`MAX_PARTS`] allow.
    #[error("content is too long")]
    TooLong,
    /// What this version does not know, it does not write.
    #[error("content is not supported")]
    Unsupported,
}

impl Content {
    /// Content that stands for itself, with a fresh salt: no reply, no edit, no expiry.
    pub fn new(body: Body, random: &dyn Random) -> Self {
        Self {
            salt: random::array(random),
            replaces: None,
            expires: None,
            in_reply_to: None,
            body,
        }
    }

    /// A new text message.
    pub fn text(text: &str, random: &dyn Random) -> Self {
        Self::new(Body::Text(text.to_owned()), random)
    }

    /// The content as deterministic CBOR, without topic or extensions.
    ///
    /// # Errors
    /// [`ContentError::TooLong`], [`ContentError::Unsupported`].
    pub fn encode(&self) -> Result<Vec<u8>, ContentError> {
        body::encode(self)
    }

    /// Reads content. Topic, extensions and languages are checked and passed over. What is valid
    /// and yet not known to this version is [`Body::Unsupported`].
    ///
    /// # Errors
    /// [`ContentError::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        if bytes.len() > MAX_FRAME {
            return Err(ContentError::Malformed);
        }
        part::decode(bytes)
    }
}

/// The salt, whose place is fixed by the deterministic encoding: an array of 7, a string of 16.
fn salt(content: &[u8]) -> Result<[u8; SALT_LEN], ContentError> {
    let rest = content
        .strip_prefix(&[0x87, 0x50])
        .ok_or(ContentError::Malformed)?;
    rest.first_chunk().copied().ok_or(ContentError::Malformed)
}

/// The message's id (draft-ietf-mimi-content-08 §3.3), from the content as it was sent.
///
/// # Errors
/// [`ContentError::Malformed`] where the content does not begin with a salt.
pub fn message_id(
    sender: &Did,
    conversation: &ConversationId,
    content: &[u8],
) -> Result<MessageId, ContentError> {
    let room = format!("sotto:{}", conversation.hex());
    mimi_message_id(sender.as_str(), &room, content)
}

fn mimi_message_id(sender: &str, room: &str, content: &[u8]) -> Result<MessageId, ContentError> {
    let mut hash = Sha256::new();
    for uri in [sender, room] {
        let len = u16::try_from(uri.len()).map_err(|_| ContentError::Malformed)?;
        hash.update(len.to_be_bytes());
        hash.update(uri);
    }
    hash.update(content);
    hash.update(salt(content)?);
    let digest = hash.finalize();
    let mut id = [HASH_SHA256; 32];
    id.iter_mut()
        .skip(1)
        .zip(digest)
        .for_each(|(byte, hashed)| *byte = hashed);
    Ok(id)
}

#[cfg(test)]
mod tests;
