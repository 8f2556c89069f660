//! Parts whose bytes lie elsewhere (docs/protocol.md §5; draft-ietf-mimi-content-08 §4.5).

use std::fmt;

use ciborium::Value;
use zeroize::Zeroizing;

use super::part::{cardinality, disposition};

/// What a part is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Nothing is said about it.
    Unspecified,
    /// To be shown, in whatever way.
    Render,
    /// To be shown among the messages.
    Inline,
    /// To be fetched when the user says so.
    Attachment,
    /// Something else: its number in the registry.
    Other(u8),
}

impl From<u8> for Disposition {
    fn from(number: u8) -> Self {
        match number {
            disposition::UNSPECIFIED => Self::Unspecified,
            disposition::RENDER => Self::Render,
            disposition::INLINE => Self::Inline,
            disposition::ATTACHMENT => Self::Attachment,
            other => Self::Other(other),
        }
    }
}

impl From<Disposition> for u8 {
    fn from(disposition: Disposition) -> Self {
        match disposition {
            Disposition::Unspecified => disposition::UNSPECIFIED,
            Disposition::Render => disposition::RENDER,
            Disposition::Inline => disposition::INLINE,
            Disposition::Attachment => disposition::ATTACHMENT,
            Disposition::Other(number) => number,
        }
    }
}

/// Bytes that lie elsewhere. Everything in it is the sender's word.
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalPart {
    /// What it is for.
    pub disposition: Disposition,
    /// Media type; may be empty.
    pub content_type: String,
    /// Where the bytes are.
    pub url: String,
    /// Until when they are there, in seconds since 1970; 0: for good.
    pub expires: u32,
    /// Their number; 0: not said.
    pub size: u64,
    /// Number of the AEAD algorithm in the IANA registry; 0: not encrypted.
    pub enc_alg: u16,
    /// Key of the AEAD.
    pub key: Zeroizing<Vec<u8>>,
    /// Nonce of the AEAD.
    pub nonce: Vec<u8>,
    /// Additional authenticated data of the AEAD.
    pub aad: Vec<u8>,
    /// Hash algorithm in the IANA registry of named information; 0: no hash.
    pub hash_alg: u8,
    /// Hash of the bytes as they lie there.
    pub content_hash: Vec<u8>,
    /// What it is, in words; may be empty.
    pub description: String,
    /// How a file of it might be called; may be empty.
    pub filename: String,
}

impl ExternalPart {
    pub(super) fn to_value(&self) -> Value {
        Value::Array(vec![
            Value::from(u8::from(self.disposition)),
            Value::from(""),
            Value::from(cardinality::EXTERNAL),
            Value::from(self.content_type.as_str()),
            Value::from(self.url.as_str()),
            Value::from(self.expires),
            Value::from(self.size),
            Value::from(self.enc_alg),
            Value::Bytes(self.key.to_vec()),
            Value::Bytes(self.nonce.clone()),
            Value::Bytes(self.aad.clone()),
            Value::from(self.hash_alg),
            Value::Bytes(self.content_hash.clone()),
            Value::from(self.description.as_str()),
            Value::from(self.filename.as_str()),
        ])
    }
}

/// The key opens what lies at the URL: neither is for a log.
impl fmt::Debug for ExternalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalPart")
            .field("content_type", &self.content_type)
            .field("size", &self.size)
            .field("enc_alg", &self.enc_alg)
            .finish_non_exhaustive()
    }
}
