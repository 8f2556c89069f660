//! Names of public keys: COSE Key Thumbprints (RFC 9679).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

use super::{InvalidKey, PublicKey};
use crate::b64u;

/// SHA-256 over a key's `COSE_Key`. In CBOR a byte string; as text unpadded base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Takes the 32 bytes of a thumbprint.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The thumbprint as text, 43 characters.
    #[must_use]
    pub fn text(&self) -> String {
        b64u::encode(self.0)
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`InvalidKey`] for everything but unpadded base64url of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        b64u::decode(text).map(Self).ok_or(InvalidKey)
    }
}

impl PublicKey {
    /// The key's RFC 9679 thumbprint.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint(Sha256::digest(self.cose()).into())
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({})", self.text())
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.text())
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
        } else {
            serde_bytes::ByteArray::deserialize(deserializer).map(|bytes| Self(bytes.into_array()))
        }
    }
}
