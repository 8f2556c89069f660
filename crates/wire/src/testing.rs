//! What no honest sender makes, for tests and fuzz targets: any bytes under a genuine seal or
//! signature, so that a test reaches what lies behind it.

use ciborium::Value;

use crate::{
    attachment::{AttachmentError, AttachmentKey, NONCE, manifest},
    frame::{self, FrameError, SealKey},
    key::SigningKey,
    random::Random,
    sign1,
};

/// Seals `padded` as it is, where [`frame::seal`] would pad a frame.
///
/// # Errors
/// [`FrameError::TooLarge`].
pub fn seal_padded(
    padded: &[u8],
    key: &SealKey,
    random: &dyn Random,
) -> Result<Vec<u8>, FrameError> {
    frame::seal_padded(padded, key, random)
}

/// Signs any payload as an object of the type `typ`, with text labels in the order given.
#[must_use]
pub fn sign_payload(
    typ: &str,
    labels: Vec<(String, Value)>,
    payload: &[u8],
    key: &SigningKey,
) -> Vec<u8> {
    sign1::sign_bytes(typ, labels, payload, key)
}

/// Seals any bytes in the place of a manifest.
///
/// # Errors
/// [`AttachmentError::Length`].
pub fn seal_manifest(
    encoded: &[u8],
    key: &AttachmentKey,
    nonce: &[u8; NONCE],
) -> Result<Vec<u8>, AttachmentError> {
    manifest::seal(encoded, key, nonce)
}
