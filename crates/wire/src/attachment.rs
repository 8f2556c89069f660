//! Attachments (docs/protocol.md §4.8, §5.5): a file in encrypted pieces, each an object at a relay,
//! and a manifest that names them. An object's name is the hash of its bytes, so a relay can check
//! what it is given and a reader what it gets.

pub(crate) mod manifest;
mod name;
mod piece;
mod url;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::secret::secret_key;

pub use manifest::Manifest;
pub use name::{InvalidName, ObjectName};
pub use piece::Pieces;
pub use url::{AttachmentUrl, InvalidUrl};

/// What is encrypted at once, in bytes.
pub const PIECE: usize = 1 << 20;
/// What encryption adds to a piece, in bytes.
pub const TAG: usize = 16;
/// The largest object in bytes.
pub const MAX_OBJECT: usize = PIECE + TAG;
/// The largest file in bytes.
pub const MAX_FILE: u64 = 2 << 30;
/// The length of the nonce that goes with a key, in bytes.
pub const NONCE: usize = 12;
/// A last piece and a manifest are at least this long, in bytes.
const SMALLEST: usize = 4096;

secret_key! {
    /// The key of one file. It is never used for another.
    AttachmentKey
}

/// Why an attachment was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachmentError {
    /// Not encrypted under this key, at this place, or not whole.
    #[error("a piece does not decrypt")]
    Piece,
    /// A piece has another length than its place allows, or something where there should be padding.
    #[error("a piece has the wrong length")]
    Length,
    /// The manifest is not one, or of another version.
    #[error("the manifest is malformed")]
    Manifest,
    /// An empty file, one larger than [`MAX_FILE`], or another number of pieces than its size makes.
    #[error("the size is out of bounds")]
    Size,
}

/// Into how many pieces a file of `size` bytes is cut.
///
/// # Errors
/// [`AttachmentError::Size`] for an empty file and one above [`MAX_FILE`].
pub fn piece_count(size: u64) -> Result<u32, AttachmentError> {
    if size == 0 || size > MAX_FILE {
        return Err(AttachmentError::Size);
    }
    u32::try_from(size.div_ceil(PIECE as u64)).map_err(|_| AttachmentError::Size)
}

/// How much of a file of `size` bytes is in its piece `index`; 0 behind the last.
#[must_use]
pub fn piece_len(size: u64, index: u32) -> usize {
    let rest = size.saturating_sub(u64::from(index) * PIECE as u64);
    usize::try_from(rest).map_or(PIECE, |rest| rest.min(PIECE))
}

/// To what a last piece or a manifest of `len` bytes is filled up: the next power of two, from
/// 4 KiB to [`PIECE`].
fn padded(len: usize) -> usize {
    len.next_power_of_two().clamp(SMALLEST, PIECE)
}

/// A key for one purpose, of the file's key and nonce.
fn derive(key: &AttachmentKey, nonce: &[u8; NONCE], label: &str) -> Zeroizing<[u8; 32]> {
    // HMAC fills a short key up to the hash's block with zeros; done here, it cannot fail.
    let mut block = Zeroizing::new([0; 64]);
    block
        .iter_mut()
        .zip(key.as_bytes())
        .for_each(|(byte, key)| *byte = *key);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    mac.update(label.as_bytes());
    mac.update(&[0]);
    mac.update(nonce);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests;
