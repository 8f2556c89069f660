//! Encrypting and decrypting pieces: ChaCha20-Poly1305 in the STREAM construction.

use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::stream::{NewStream as _, StreamBE32, StreamPrimitive as _};

use super::{AttachmentError, AttachmentKey, NONCE, PIECE, TAG, derive, padded};

const LABEL: &str = "chat.sotto/attachment-pieces/v1";

/// The pieces of one file under its key. A piece decrypts only at its own place, and only the last
/// one as the last.
pub struct Pieces(StreamBE32<ChaCha20Poly1305>);

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pieces(redacted)")
    }
}

impl Pieces {
    /// Under the file's key and nonce. The key belongs to one content of one file: under it, no two
    /// plaintexts may ever stand at the same place.
    #[must_use]
    pub fn new(key: &AttachmentKey, nonce: &[u8; NONCE]) -> Self {
        Self::labelled(key, nonce, LABEL)
    }

    pub(super) fn labelled(key: &AttachmentKey, nonce: &[u8; NONCE], label: &str) -> Self {
        let key = derive(key, nonce, label);
        // The derived key is for this one stream, so the stream's own nonce need not differ.
        Self(StreamBE32::new((&*key).into(), &Default::default()))
    }

    /// Encrypts the piece at `index`, filling up the last one (§4.8).
    ///
    /// # Errors
    /// [`AttachmentError::Length`] for an empty piece, one above [`PIECE`], and one below it that
    /// is not the last.
    pub fn seal(&self, index: u32, last: bool, plain: &[u8]) -> Result<Vec<u8>, AttachmentError> {
        if plain.is_empty() || plain.len() > PIECE || (!last && plain.len() != PIECE) {
            return Err(AttachmentError::Length);
        }
        let mut bytes = Vec::with_capacity(PIECE + TAG);
        bytes.extend_from_slice(plain);
        bytes.resize(padded(plain.len()), 0);
        self.0
            .encrypt_in_place(index, last, b"", &mut bytes)
            .map_err(|_| AttachmentError::Length)?;
        Ok(bytes)
    }

    /// Decrypts the piece at `index`, of which the file has `len` bytes.
    ///
    /// # Errors
    /// [`AttachmentError::Length`] and [`AttachmentError::Piece`].
    pub fn open(
        &self,
        index: u32,
        last: bool,
        len: usize,
        sealed: &[u8],
    ) -> Result<Vec<u8>, AttachmentError> {
        if len == 0 || len > PIECE || sealed.len() != padded(len) + TAG {
            return Err(AttachmentError::Length);
        }
        let mut bytes = self.decrypted(index, last, sealed)?;
        if bytes
            .get(len..)
            .is_none_or(|rest| rest.iter().any(|byte| *byte != 0))
        {
            return Err(AttachmentError::Length);
        }
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Decrypts with the padding still on.
    pub(super) fn decrypted(
        &self,
        index: u32,
        last: bool,
        sealed: &[u8],
    ) -> Result<Vec<u8>, AttachmentError> {
        let mut bytes = sealed.to_vec();
        self.0
            .decrypt_in_place(index, last, b"", &mut bytes)
            .map_err(|_| AttachmentError::Piece)?;
        Ok(bytes)
    }

    /// How large the object of a piece with `len` bytes of the file is.
    #[must_use]
    pub fn object_len(len: usize) -> usize {
        padded(len) + TAG
    }
}
