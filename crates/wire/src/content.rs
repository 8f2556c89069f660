//! Message content (docs/protocol.md §5): MIMI content, of which text messages are built so far.

use ciborium::Value;
use serde_bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::{
    cbor::{self, CborError},
    conversation::ConversationId,
    did::Did,
    frame::MAX_FRAME,
    random::{self, Random},
};

/// The longest text in bytes of UTF-8.
pub const MAX_TEXT: usize = 16_384;
/// The length of salts in bytes.
pub const SALT_LEN: usize = 16;

const TEXT_TYPE: &str = "text/plain;charset=utf-8";
const DISPOSITION_RENDER: u8 = 1;
const CARDINALITY_SINGLE: u8 = 1;
/// SHA-256 in the IANA registry of named information hash algorithms.
const HASH_SHA256: u8 = 1;

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A text message that stands for itself: no reply, no edit, no expiry.
    Text {
        /// Random bytes that make the message's id unique.
        salt: [u8; SALT_LEN],
        /// At most [`MAX_TEXT`] bytes.
        text: String,
    },
    /// Any other MIMI content: kept, and shown as not supported by this version.
    Unsupported {
        /// The whole content as it came.
        bytes: Vec<u8>,
    },
}

/// Why content was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Not MIMI content in deterministic CBOR.
    #[error("content is malformed")]
    Malformed,
    /// A text longer than [`MAX_TEXT`].
    #[error("text is too long")]
    TooLong,
}

impl From<CborError> for ContentError {
    fn from(_: CborError) -> Self {
        Self::Malformed
    }
}

impl Content {
    /// A new text message with a fresh salt.
    pub fn text(text: &str, random: &dyn Random) -> Self {
        Self::Text {
            salt: random::array(random),
            text: text.to_owned(),
        }
    }

    /// The content as CBOR.
    ///
    /// # Errors
    /// [`ContentError::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, ContentError> {
        match self {
            Self::Text { text, .. } if text.len() > MAX_TEXT => Err(ContentError::TooLong),
            Self::Text { salt, text } => Ok(encode_text(salt, text)),
            Self::Unsupported { bytes } => Ok(bytes.clone()),
        }
    }

    /// Reads content.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let Value::Array(fields) = cbor::decode(bytes, MAX_FRAME)? else {
            return Err(ContentError::Malformed);
        };
        let salt = salt(bytes)?;
        let fields: [Value; 7] = fields.try_into().map_err(|_| ContentError::Malformed)?;
        check_fields(&fields).ok_or(ContentError::Malformed)?;
        let [.., nested_part] = fields;
        let text = single_text(nested_part).filter(|text| encode_text(&salt, text) == bytes);
        match text {
            Some(text) if text.len() > MAX_TEXT => Err(ContentError::TooLong),
            Some(text) => Ok(Self::Text { salt, text }),
            None => Ok(Self::Unsupported {
                bytes: bytes.to_vec(),
            }),
        }
    }
}

fn encode_text(salt: &[u8; SALT_LEN], text: &str) -> Vec<u8> {
    let text = Bytes::new(text.as_bytes());
    let part = (DISPOSITION_RENDER, "", CARDINALITY_SINGLE, TEXT_TYPE, text);
    let none = None::<u8>;
    let no_extensions = std::collections::BTreeMap::<u8, u8>::new();
    cbor::encode(&(
        Bytes::new(salt),
        none,
        Bytes::new(&[]),
        none,
        none,
        no_extensions,
        part,
    ))
}

/// `None` unless the fields have the types of the draft's `mimiContent`.
fn check_fields(
    [salt, replaces, topic, expires, reply, extensions, part]: &[Value; 7],
) -> Option<()> {
    let id = |value: &Value| value.is_null() || value.as_bytes().is_some_and(|id| id.len() == 32);
    let valid = salt.as_bytes().is_some_and(|salt| salt.len() == SALT_LEN)
        && id(replaces)
        && topic.is_bytes()
        && (expires.is_null() || expires.as_array().is_some_and(|it| it.len() == 2))
        && id(reply)
        && extensions.is_map()
        && part.as_array().is_some_and(|part| part.len() >= 3);
    valid.then_some(())
}

/// The last element of a part, where it is bytes of UTF-8: the text, if the part is a text.
fn single_text(part: Value) -> Option<String> {
    let bytes = part.into_array().ok()?.pop()?.into_bytes().ok()?;
    String::from_utf8(bytes).ok()
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
) -> Result<[u8; 32], ContentError> {
    let room = format!("sotto:{}", conversation.hex());
    mimi_message_id(sender.as_str(), &room, content)
}

fn mimi_message_id(sender: &str, room: &str, content: &[u8]) -> Result<[u8; 32], ContentError> {
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
#[path = "content/tests.rs"]
mod tests;
