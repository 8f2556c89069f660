//! Ed25519 keys and how they are written (docs/protocol.md §0, "key identity").

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use zeroize::Zeroizing;

use crate::random::Random;

mod cose;
mod thumbprint;

pub use thumbprint::Thumbprint;

/// The multicodec prefix of an Ed25519 public key in a `did:key`.
const MULTICODEC_ED25519: [u8; 2] = [0xed, 0x01];
/// The longest `did:key` of an Ed25519 key is 56 characters; more is not decoded.
const MAX_DID_KEY: usize = 64;

/// The bytes or text are not a usable Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a usable Ed25519 public key")]
pub struct InvalidKey;

/// The signature is not one of this key over this message, or not in canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct BadSignature;

/// An Ed25519 public key: a canonical point that is not of small order.
///
/// In CBOR a `COSE_Key`; in human-readable formats its `did:key`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes the 32 bytes of a key.
    ///
    /// # Errors
    /// [`InvalidKey`] where they are not the canonical encoding of a point, or of a small-order one.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| InvalidKey)?;
        let canonical = key.to_edwards().compress().to_bytes() == *bytes;
        if canonical && !key.is_weak() {
            Ok(Self(*bytes))
        } else {
            Err(InvalidKey)
        }
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads a `did:key:z6Mk…`.
    ///
    /// # Errors
    /// [`InvalidKey`] for other key types, other encodings, and unusable keys.
    pub fn from_did_key(text: &str) -> Result<Self, InvalidKey> {
        let encoded = text
            .strip_prefix("did:key:")
            .filter(|encoded| encoded.len() <= MAX_DID_KEY);
        let encoded = encoded
            .filter(|encoded| encoded.starts_with('z'))
            .ok_or(InvalidKey)?;
        let (_, bytes) = multibase::decode(encoded).map_err(|_| InvalidKey)?;
        let bytes = bytes
            .strip_prefix(&MULTICODEC_ED25519[..])
            .ok_or(InvalidKey)?;
        Self::from_bytes(bytes.try_into().map_err(|_| InvalidKey)?)
    }

    /// The key as `did:key:z6Mk…`, as in the delegation record (§1.1).
    #[must_use]
    pub fn to_did_key(&self) -> String {
        let bytes = [&MULTICODEC_ED25519[..], &self.0].concat();
        format!(
            "did:key:{}",
            multibase::encode(multibase::Base::Base58Btc, bytes)
        )
    }

    /// Verifies a signature of 64 bytes strictly (RFC 8032 §5.1.7: `S` in range; small-order and
    /// non-canonical points rejected).
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let signature = Signature::from_slice(signature).map_err(|_| BadSignature)?;
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
        key.verify_strict(message, &signature)
            .map_err(|_| BadSignature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.to_did_key())
    }
}

/// An Ed25519 signing key. Zeroized when dropped.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Makes a new key.
    pub fn generate(random: &dyn Random) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        random.fill(&mut seed[..]);
        Self::from_seed(&seed)
    }

    /// The key of a 32-byte seed (RFC 8032 "private key").
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The 32-byte seed, for storing.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a message; the signature is deterministic.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

#[cfg(test)]
#[path = "key/tests.rs"]
mod tests;
