//! Byte strings for serde, which would otherwise write a `Vec<u8>` as an array of integers.

use serde::{Deserialize, Serialize};

/// A CBOR byte string.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(#[serde(with = "serde_bytes")] pub Vec<u8>);

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// `#[serde(with = "byte_strings")]` for a `Vec<Vec<u8>>`: an array of byte strings.
pub mod byte_strings {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Bytes;

    /// Writes an array of byte strings.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(items: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(items.iter().map(|item| serde_bytes::Bytes::new(item)))
    }

    /// Reads an array of byte strings.
    ///
    /// # Errors
    /// Those of the deserializer, and where the value is not an array of byte strings.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let items = Vec::<Bytes>::deserialize(d)?;
        Ok(items.into_iter().map(|item| item.0).collect())
    }
}
