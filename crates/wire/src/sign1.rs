//! Signed objects (docs/protocol.md §0.1): tagged COSE_Sign1 with one fixed shape.

use ciborium::{Value, tag::Required};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::{ByteArray, ByteBuf, Bytes};

use crate::{
    cbor,
    key::{PublicKey, SigningKey, Thumbprint},
};

mod header;

use header::Header;

/// The largest signed object in bytes, first-contact envelopes (§4.5) excepted.
pub const MAX_SIGNED_OBJECT: usize = 16 * 1024;

const TAG_SIGN1: u64 = 18;

/// Why a signed object was refused. Nothing can be retried with the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Sign1Error {
    /// Larger than the format allows.
    #[error("signed object is too large")]
    TooLarge,
    /// Not a COSE_Sign1 of the shape of §0.1, or not deterministic CBOR.
    #[error("signed object is malformed")]
    Malformed,
    /// A signed object of another type.
    #[error("signed object has another type")]
    Type,
    /// Signed by another key than the one it has to be signed by.
    #[error("signed object is by another key")]
    OtherKey,
    /// The signature does not verify or is not canonical.
    #[error("signature does not verify")]
    Signature,
    /// The signature is good, but the payload is not what the type prescribes.
    #[error("payload of signed object is malformed")]
    Payload,
}

/// A payload that is signed under a type string of its own.
pub trait SignedPayload: Serialize + DeserializeOwned {
    /// The `typ` of the protected header.
    const TYPE: &'static str;
}

/// Signs a payload.
#[must_use]
pub fn sign<T: SignedPayload>(payload: &T, key: &SigningKey) -> Vec<u8> {
    sign_bytes(T::TYPE, Vec::new(), &cbor::encode(payload), key)
}

/// Verifies a signed object under a key that the caller already trusts, and decodes its payload.
///
/// # Errors
/// [`Sign1Error`], by the first check that failed.
pub fn verify<T: SignedPayload>(object: &[u8], key: &PublicKey) -> Result<T, Sign1Error> {
    let object = plain::<T>(object)?;
    object.verify(key)?;
    decode_payload(object.payload())
}

/// Reads the payload of a signed object without verifying who signed it: what somebody claims.
///
/// # Errors
/// [`Sign1Error`] where the object is not even well-formed.
pub fn parse_unverified<T: SignedPayload>(object: &[u8]) -> Result<T, Sign1Error> {
    decode_payload(plain::<T>(object)?.payload())
}

fn plain<T: SignedPayload>(object: &[u8]) -> Result<SignedObject, Sign1Error> {
    let object = SignedObject::parse(object, T::TYPE, MAX_SIGNED_OBJECT)?;
    if object.labels().is_empty() {
        Ok(object)
    } else {
        Err(Sign1Error::Malformed)
    }
}

fn decode_payload<T: SignedPayload>(payload: &[u8]) -> Result<T, Sign1Error> {
    cbor::decode(payload, MAX_SIGNED_OBJECT).map_err(|_| Sign1Error::Payload)
}

/// The elements of COSE_Sign1. `Empty` stands for the unprotected header.
#[derive(Serialize, Deserialize)]
struct Sign1(ByteBuf, Empty, ByteBuf, ByteArray<64>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Empty {}

/// Signs payload bytes with further text labels in the protected header (§4.5).
pub(crate) fn sign_bytes(
    typ: &str,
    labels: Vec<(String, Value)>,
    payload: &[u8],
    key: &SigningKey,
) -> Vec<u8> {
    let header = Header {
        kid: key.public().thumbprint(),
        typ: typ.to_owned(),
        labels,
    };
    let protected = header.encode();
    let signature = key.sign(&to_be_signed(&protected, payload));
    let payload = ByteBuf::from(payload);
    let signature = ByteArray::new(signature);
    let object = Sign1(ByteBuf::from(protected), Empty {}, payload, signature);
    cbor::encode(&Required::<_, TAG_SIGN1>(object))
}

/// The Sig_structure of RFC 9052 §4.4 with empty external AAD.
fn to_be_signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let (protected, payload) = (Bytes::new(protected), Bytes::new(payload));
    cbor::encode(&("Signature1", protected, Bytes::new(&[]), payload))
}

/// A parsed signed object that nobody has verified yet.
#[derive(Debug, Clone)]
pub(crate) struct SignedObject {
    header: Header,
    protected: Vec<u8>,
    payload: Vec<u8>,
    signature: [u8; 64],
}

impl SignedObject {
    /// Parses an object of type `typ` and at most `max` bytes.
    pub(crate) fn parse(object: &[u8], typ: &str, max: usize) -> Result<Self, Sign1Error> {
        if object.len() > max {
            return Err(Sign1Error::TooLarge);
        }
        let Required(Sign1(protected, Empty {}, payload, signature)) =
            cbor::decode::<Required<Sign1, TAG_SIGN1>>(object, max)
                .map_err(|_| Sign1Error::Malformed)?;
        let header = Header::decode(&protected).ok_or(Sign1Error::Malformed)?;
        if header.typ != typ {
            return Err(Sign1Error::Type);
        }
        Ok(Self {
            header,
            protected: protected.into_vec(),
            payload: payload.into_vec(),
            signature: signature.into_array(),
        })
    }

    /// The payload, whoever signed it.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The thumbprint that the object gives for its key: for diagnosis only.
    pub(crate) fn kid(&self) -> Thumbprint {
        self.header.kid
    }

    /// The text labels of the protected header in their order, whoever signed them.
    pub(crate) fn labels(&self) -> &[(String, Value)] {
        &self.header.labels
    }

    /// Verifies the signature under `key`.
    pub(crate) fn verify(&self, key: &PublicKey) -> Result<(), Sign1Error> {
        // An object whose kid is not its key's is malformed; which of both is wrong is not known.
        if self.kid() != key.thumbprint() {
            return Err(Sign1Error::OtherKey);
        }
        key.verify(
            &to_be_signed(&self.protected, &self.payload),
            &self.signature,
        )
        .map_err(|_| Sign1Error::Signature)
    }
}

#[cfg(test)]
#[path = "sign1/tests.rs"]
mod tests;
