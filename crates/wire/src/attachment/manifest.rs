//! The manifest: what a message's URL leads to.

use serde::{Deserialize, Serialize};

use super::{AttachmentError, AttachmentKey, MAX_OBJECT, NONCE, ObjectName, Pieces, piece_count};
use crate::cbor;

const LABEL: &str = "chat.sotto/attachment-manifest/v1";
const TYPE: &str = "chat.sotto/attachment/v1";
/// The length of the manifest, before it.
const LEN: usize = 4;

/// Which objects a file is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    size: u64,
    pieces: Vec<ObjectName>,
}

/// Fields in the order of the encoding.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    size: u64,
    r#type: String,
    pieces: Vec<ObjectName>,
}

impl Manifest {
    /// The manifest of a file of `size` bytes.
    ///
    /// # Errors
    /// [`AttachmentError::Size`] where a file of that size has another number of pieces.
    pub fn new(size: u64, pieces: Vec<ObjectName>) -> Result<Self, AttachmentError> {
        let expected = piece_count(size)?;
        if u32::try_from(pieces.len()) != Ok(expected) {
            return Err(AttachmentError::Size);
        }
        Ok(Self { size, pieces })
    }

    /// The size of the file in bytes, at most [`super::MAX_FILE`].
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The names of its pieces, in order.
    #[must_use]
    pub fn pieces(&self) -> &[ObjectName] {
        &self.pieces
    }

    /// The manifest as an object, encrypted under the file's key and nonce.
    ///
    /// # Errors
    /// [`AttachmentError::Length`], which no manifest of [`Manifest::new`] reaches.
    pub fn seal(
        &self,
        key: &AttachmentKey,
        nonce: &[u8; NONCE],
    ) -> Result<Vec<u8>, AttachmentError> {
        let encoded = cbor::encode(&Wire {
            size: self.size,
            r#type: TYPE.to_owned(),
            pieces: self.pieces.clone(),
        });
        seal(&encoded, key, nonce)
    }

    /// Decrypts and reads a manifest.
    ///
    /// # Errors
    /// [`AttachmentError`], by the first check that failed.
    pub fn open(
        sealed: &[u8],
        key: &AttachmentKey,
        nonce: &[u8; NONCE],
    ) -> Result<Self, AttachmentError> {
        if sealed.len() > MAX_OBJECT {
            return Err(AttachmentError::Length);
        }
        let plain = Pieces::labelled(key, nonce, LABEL).decrypted(0, true, sealed)?;
        let (len, rest) = plain
            .split_first_chunk::<LEN>()
            .ok_or(AttachmentError::Length)?;
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        let (encoded, padding) = rest.split_at_checked(len).ok_or(AttachmentError::Length)?;
        let padded = Pieces::object_len(LEN + len) == sealed.len();
        if !padded || padding.iter().any(|byte| *byte != 0) {
            return Err(AttachmentError::Length);
        }
        let wire: Wire =
            cbor::decode(encoded, encoded.len()).map_err(|_| AttachmentError::Manifest)?;
        if wire.r#type != TYPE {
            return Err(AttachmentError::Manifest);
        }
        Self::new(wire.size, wire.pieces)
    }
}

pub(crate) fn seal(
    encoded: &[u8],
    key: &AttachmentKey,
    nonce: &[u8; NONCE],
) -> Result<Vec<u8>, AttachmentError> {
    let len = u32::try_from(encoded.len()).map_err(|_| AttachmentError::Length)?;
    let plain = [&len.to_be_bytes()[..], encoded].concat();
    Pieces::labelled(key, nonce, LABEL).seal(0, true, &plain)
}
