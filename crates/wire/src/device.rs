//! Devices and their certificates (docs/protocol.md §1.6).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    did::Did,
    key::{PublicKey, SigningKey},
    random::{self, Random},
    sign1::{self, Sign1Error, SignedPayload},
    time::Timestamp,
};

/// The longest time a certificate may be valid: 366 days, in seconds.
pub const MAX_LIFETIME: u64 = 366 * 86_400;

/// Names a device within its account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(#[serde(with = "serde_bytes")] [u8; 16]);

impl DeviceId {
    /// Takes the 16 bytes of an id.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Makes a new id.
    pub fn generate(random: &dyn Random) -> Self {
        Self(random::array(random))
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The id as 32 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceId({})", self.hex())
    }
}

/// The delegate key says that a device key belongs to the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeviceCertificate {
    /// The account.
    pub did: Did,
    /// The device.
    pub device_id: DeviceId,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// The device key: the signature key of the device's MLS leaves and of its relay requests.
    pub device_key: PublicKey,
    /// The first second in which the certificate is no longer valid.
    pub expires_at: Timestamp,
}

impl SignedPayload for DeviceCertificate {
    const TYPE: &'static str = "chat.sotto/device/v1";
}

/// Why a certificate was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not an object of the account's delegate key.
    #[error(transparent)]
    Signed(#[from] Sign1Error),
    /// It certifies a device of another account.
    #[error("certificate is for another account")]
    OtherAccount,
    /// It is valid for no time at all, or for longer than [`MAX_LIFETIME`].
    #[error("certificate has an impossible lifetime")]
    Lifetime,
    /// It is no longer valid.
    #[error("certificate has expired")]
    Expired,
}

impl DeviceCertificate {
    /// The certificate as a signed object, under the account's delegate key.
    #[must_use]
    pub fn sign(&self, delegate_key: &SigningKey) -> Vec<u8> {
        sign1::sign(self, delegate_key)
    }

    /// Verifies a certificate for an account at the time `now`. The time of issue is not compared
    /// with `now`: clocks differ, and an early certificate harms nobody.
    ///
    /// # Errors
    /// [`CertificateError`], by the first check that failed.
    pub fn verify(
        object: &[u8],
        delegate_key: &PublicKey,
        did: &Did,
        now: Timestamp,
    ) -> Result<Self, CertificateError> {
        let certificate = Self::verify_at_any_time(object, delegate_key, did)?;
        if certificate.is_expired(now) {
            Err(CertificateError::Expired)
        } else {
            Ok(certificate)
        }
    }

    /// As [`verify`](Self::verify), for a certificate that may have expired since it was used.
    ///
    /// # Errors
    /// [`CertificateError`] other than `Expired`.
    pub fn verify_at_any_time(
        object: &[u8],
        delegate_key: &PublicKey,
        did: &Did,
    ) -> Result<Self, CertificateError> {
        let certificate: Self = sign1::verify(object, delegate_key)?;
        if certificate.did != *did {
            return Err(CertificateError::OtherAccount);
        }
        let lifetime = certificate.expires_at.since(certificate.issued_at);
        if lifetime == 0 || lifetime > MAX_LIFETIME {
            return Err(CertificateError::Lifetime);
        }
        Ok(certificate)
    }

    /// Reads whose certificate an object claims to be, so that its key can be looked up.
    ///
    /// # Errors
    /// [`Sign1Error`] where it is not even well-formed.
    pub fn parse_unverified(object: &[u8]) -> Result<Self, Sign1Error> {
        sign1::parse_unverified(object)
    }

    /// Whether the certificate is no longer valid at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

#[cfg(test)]
#[path = "device/tests.rs"]
mod tests;
