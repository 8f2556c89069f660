//! Public keys as `COSE_Key` maps (RFC 9052 §7): `{1: 1, -1: 6, -2: x}`.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap as _,
};

use super::{InvalidKey, PublicKey};
use crate::cbor;

const KTY: i8 = 1;
const KTY_OKP: i8 = 1;
const CRV: i8 = -1;
const CRV_ED25519: i8 = 6;
const X: i8 = -2;
/// The length of every encoded key.
const ENCODED_LEN: usize = 40;

impl PublicKey {
    /// The key as the bytes of a `COSE_Key`.
    #[must_use]
    pub fn cose(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads the bytes of a `COSE_Key`.
    ///
    /// # Errors
    /// [`InvalidKey`] for other key types, further parameters, and unusable keys.
    pub fn from_cose(bytes: &[u8]) -> Result<Self, InvalidKey> {
        cbor::decode(bytes, ENCODED_LEN).map_err(|_| InvalidKey)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.serialize_str(&self.to_did_key());
        }
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry(&KTY, &KTY_OKP)?;
        map.serialize_entry(&CRV, &CRV_ED25519)?;
        map.serialize_entry(&X, serde_bytes::Bytes::new(self.as_bytes()))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            return Self::from_did_key(&text).map_err(D::Error::custom);
        }
        deserializer.deserialize_map(CoseKey)
    }
}

struct CoseKey;

impl<'de> Visitor<'de> for CoseKey {
    type Value = PublicKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a COSE_Key of an Ed25519 key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PublicKey, A::Error> {
        let kty = map.next_entry::<i8, i8>()?;
        let crv = map.next_entry::<i8, i8>()?;
        let x = map.next_entry::<i8, serde_bytes::ByteArray<32>>()?;
        match (kty, crv, x) {
            (Some((KTY, KTY_OKP)), Some((CRV, CRV_ED25519)), Some((X, x)))
                if map.next_key::<i8>()?.is_none() =>
            {
                PublicKey::from_bytes(&x).map_err(A::Error::custom)
            }
            _ => Err(A::Error::custom(InvalidKey)),
        }
    }
}
