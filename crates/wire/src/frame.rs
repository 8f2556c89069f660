//! Frames and their sealing (docs/protocol.md §3.1): what a relay carries without learning
//! anything but a size class.

use chacha20poly1305::{AeadInPlace as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    cbor::{self, byte_strings},
    random::Random,
    secret::secret_key,
};

/// The largest padded frame in bytes.
const MAX_PADDED: usize = 65_536;
const MIN_PADDED: usize = 512;
const LEN: usize = 4;
const NONCE: usize = 24;
const TAG: usize = 16;
const AAD: &[u8] = b"chat.sotto/sealed-frame/v1";

/// The most commits in one frame.
pub const MAX_COMMITS: usize = 8;
/// The largest encoded frame in bytes that can be sealed.
pub const MAX_FRAME: usize = MAX_PADDED - LEN;
/// The largest sealed frame in bytes.
pub const MAX_SEALED: usize = NONCE + MAX_PADDED + TAG;

secret_key! {
    /// The key that seals frames: paired with a grant (§4.6), or exported from a group for first
    /// contact (§4.5).
    SealKey
}

/// An MLS message, and what of its group the recipient has not acknowledged yet: the Welcome, and
/// commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// MLSMessages with a PrivateMessage, a commit each, oldest first; at most [`MAX_COMMITS`].
    #[serde(default, with = "byte_strings", skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<Vec<u8>>,
    /// MLSMessage with a PrivateMessage of the sender's send group.
    #[serde(with = "serde_bytes")]
    pub message: Vec<u8>,
    /// MLSMessage with the send group's Welcome.
    #[serde(default, with = "serde_bytes", skip_serializing_if = "Option::is_none")]
    pub welcome: Option<Vec<u8>>,
}

/// Why a frame was not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The frame to be sealed is larger than [`MAX_FRAME`].
    #[error("frame is too large")]
    TooLarge,
    /// The sealed bytes have a length that no bucket gives.
    #[error("sealed frame has an impossible length")]
    Length,
    /// Another key sealed the bytes, or they were changed.
    #[error("sealed frame does not open under this key")]
    Seal,
    /// The sender sealed something that is not a padded frame.
    #[error("sealed frame is malformed inside")]
    Malformed,
}

/// Seals a frame with a fresh nonce.
///
/// # Errors
/// [`FrameError::TooLarge`].
pub fn seal(frame: &Frame, key: &SealKey, random: &dyn Random) -> Result<Vec<u8>, FrameError> {
    seal_bytes(&cbor::encode(frame), key, random)
}

fn seal_bytes(frame: &[u8], key: &SealKey, random: &dyn Random) -> Result<Vec<u8>, FrameError> {
    let bucket = bucket(frame.len())?;
    let len = u32::try_from(frame.len()).map_err(|_| FrameError::TooLarge)?;
    let mut padded = Vec::with_capacity(bucket);
    padded.extend_from_slice(&len.to_be_bytes());
    padded.extend_from_slice(frame);
    padded.resize(bucket, 0);
    seal_padded(&padded, key, random)
}

pub(crate) fn seal_padded(
    padded: &[u8],
    key: &SealKey,
    random: &dyn Random,
) -> Result<Vec<u8>, FrameError> {
    let nonce: [u8; NONCE] = crate::random::array(random);
    let mut sealed = Vec::with_capacity(NONCE + padded.len() + TAG);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(padded);
    let (_, padded) = sealed
        .split_at_mut_checked(NONCE)
        .ok_or(FrameError::Length)?;
    let tag = XChaCha20Poly1305::new(key.as_bytes().into())
        .encrypt_in_place_detached(XNonce::from_slice(&nonce), AAD, padded)
        .map_err(|_| FrameError::TooLarge)?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// The padded size of a frame of `len` bytes: the next power of two that also holds its length.
fn bucket(len: usize) -> Result<usize, FrameError> {
    if len > MAX_FRAME {
        return Err(FrameError::TooLarge);
    }
    Ok((len + LEN).next_power_of_two().max(MIN_PADDED))
}

/// Opens a sealed frame.
///
/// # Errors
/// [`FrameError`], by what is wrong with the bytes.
pub fn open(sealed: &[u8], key: &SealKey) -> Result<Frame, FrameError> {
    let (nonce, rest) = sealed.split_at_checked(NONCE).ok_or(FrameError::Length)?;
    let padded_len = rest.len().checked_sub(TAG).ok_or(FrameError::Length)?;
    if !(MIN_PADDED..=MAX_PADDED).contains(&padded_len) || !padded_len.is_power_of_two() {
        return Err(FrameError::Length);
    }
    let (padded, tag) = rest
        .split_at_checked(padded_len)
        .ok_or(FrameError::Length)?;
    let mut padded = padded.to_vec();
    XChaCha20Poly1305::new(key.as_bytes().into())
        .decrypt_in_place_detached(
            XNonce::from_slice(nonce),
            AAD,
            &mut padded,
            Tag::from_slice(tag),
        )
        .map_err(|_| FrameError::Seal)?;
    let frame = unpad(&padded).ok_or(FrameError::Malformed)?;
    let frame: Frame = cbor::decode(frame, MAX_FRAME).map_err(|_| FrameError::Malformed)?;
    if frame.commits.len() > MAX_COMMITS {
        return Err(FrameError::Malformed);
    }
    Ok(frame)
}

/// The frame in a padded buffer, provided that this is the buffer that padding it gives.
fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (len, rest) = padded.split_first_chunk::<LEN>()?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
    let (frame, padding) = rest.split_at_checked(len)?;
    let smallest = bucket(len).is_ok_and(|bucket| bucket == padded.len());
    (smallest && padding.iter().all(|byte| *byte == 0)).then_some(frame)
}

/// SHA-256 of sealed bytes, by which a receiver recognises a repetition (§3.3).
#[must_use]
pub fn digest(sealed: &[u8]) -> [u8; 32] {
    Sha256::digest(sealed).into()
}

#[cfg(test)]
#[path = "frame/tests.rs"]
pub(crate) mod tests;
