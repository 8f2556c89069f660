//! Grants (docs/protocol.md §4.6): addresses at a relay that say nothing about who uses them.

use std::fmt;

use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    b64u,
    cbor::{self, CborError},
    domain::Domain,
    secret::secret_key,
    time::Timestamp,
};

const ADDRESS_CONTEXT: &[u8] = b"germ-pmr:grant-addr:v1";
const PUT_CONTEXT: &[u8] = b"germ-pmr:grant-put:v1";

secret_key! {
    /// A grant's key: whoever has it can put messages at its address.
    GrantKey
}

/// The address of a grant: unpadded base64url of 32 bytes, 43 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

/// The text is not the address of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a grant address")]
pub struct InvalidAddress;

impl Address {
    /// Checks a text.
    ///
    /// # Errors
    /// [`InvalidAddress`] for everything but unpadded base64url of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let bytes: [u8; 32] = b64u::decode(text).ok_or(InvalidAddress)?;
        Ok(Self(b64u::encode(bytes)))
    }

    /// The address's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        Self::parse(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0
    }
}

/// The address of a grant at a relay.
#[must_use]
pub fn address(key: &GrantKey, host: &Domain) -> Address {
    Address(b64u::encode(hmac(
        key,
        &[ADDRESS_CONTEXT, host.as_str().as_bytes()],
    )))
}

/// The tag that proves knowledge of the grant's key for one message and one challenge.
#[must_use]
pub fn tag(key: &GrantKey, address: &Address, challenge: &str, message: &[u8]) -> [u8; 32] {
    tag_of_digest(
        key,
        address,
        challenge.as_bytes(),
        &Sha256::digest(message).into(),
    )
}

/// Checks a put's tag in constant time. Whether the challenge is fresh is the relay's to know.
#[must_use]
pub fn verify_tag(key: &GrantKey, address: &Address, put: &GrantPut) -> bool {
    tag(key, address, &put.n, &put.m)[..]
        .ct_eq(&put.t[..])
        .into()
}

fn tag_of_digest(
    key: &GrantKey,
    address: &Address,
    challenge: &[u8],
    digest: &[u8; 32],
) -> [u8; 32] {
    hmac(key, &[PUT_CONTEXT, address.0.as_bytes(), challenge, digest])
}

fn hmac(key: &GrantKey, parts: &[&[u8]]) -> [u8; 32] {
    // HMAC fills a short key up to the hash's block with zeros; done here, it cannot fail.
    let mut block = Zeroizing::new([0; 64]);
    block
        .iter_mut()
        .zip(key.as_bytes())
        .for_each(|(byte, key)| *byte = *key);
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// The body of a put at a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantPut {
    /// The message: a sealed frame.
    #[serde(with = "serde_bytes")]
    pub m: Vec<u8>,
    /// The challenge, for realm `grantPut` and this address.
    pub n: String,
    /// The tag over both.
    #[serde(with = "serde_bytes")]
    pub t: [u8; 32],
}

impl GrantPut {
    /// A put of `message`, tagged.
    #[must_use]
    pub fn new(key: &GrantKey, address: &Address, challenge: &str, message: Vec<u8>) -> Self {
        let t = tag(key, address, challenge, &message);
        Self {
            m: message,
            n: challenge.to_owned(),
            t,
        }
    }

    /// The put as CBOR.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads a put of at most `max` bytes.
    ///
    /// # Errors
    /// [`CborError`] where it is not exactly such a put.
    pub fn decode(bytes: &[u8], max: usize) -> Result<Self, CborError> {
        cbor::decode(bytes, max)
    }
}

/// A grant as the relay issues it to its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedGrant {
    /// The key, which the owner passes on.
    pub key: GrantKey,
    /// What the relay says the address is; the owner recomputes it.
    pub address: Address,
    /// When the relay stops to honour it.
    pub expires: Timestamp,
}

impl IssuedGrant {
    /// Whether the address is the one of this key at this relay.
    #[must_use]
    pub fn is_at(&self, host: &Domain) -> bool {
        address(&self.key, host) == self.address
    }
}

#[cfg(test)]
#[path = "grant/tests.rs"]
mod tests;
