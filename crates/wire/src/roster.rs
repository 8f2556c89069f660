//! The device roster (docs/protocol.md §1.6): which devices an account has.

use serde::{Deserialize, Serialize};

use crate::{
    cbor::byte_strings,
    device::{CertificateError, DeviceCertificate, DeviceId},
    did::Did,
    key::{PublicKey, SigningKey},
    sign1::{self, Sign1Error, SignedPayload},
};

/// The most devices an account can have.
pub const MAX_DEVICES: usize = 16;

/// The delegate key lists the account's devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// The account.
    pub did: Did,
    /// Grows with every roster of the account.
    pub seq: u64,
    /// The device certificates as signed objects, 1 to [`MAX_DEVICES`].
    #[serde(with = "byte_strings")]
    pub devices: Vec<Vec<u8>>,
}

impl SignedPayload for Roster {
    const TYPE: &'static str = "chat.sotto/roster/v1";
}

/// A roster whose every certificate verified under the account's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRoster {
    /// The account.
    pub did: Did,
    /// A verifier refuses one older than it has seen; that comparison is the caller's.
    pub seq: u64,
    /// The devices in the roster's order. A certificate may have expired since; see
    /// [`DeviceCertificate::is_expired`].
    pub devices: Vec<DeviceCertificate>,
    /// The certificates as signed objects, in the same order.
    pub certificates: Vec<Vec<u8>>,
}

/// Why a roster was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// Not an object of the account's delegate key.
    #[error(transparent)]
    Signed(#[from] Sign1Error),
    /// The roster of another account.
    #[error("roster is of another account")]
    OtherAccount,
    /// No devices, or more than [`MAX_DEVICES`].
    #[error("roster has no devices or too many")]
    Size,
    /// One of its certificates does not verify.
    #[error("roster holds a bad certificate: {0}")]
    Certificate(#[from] CertificateError),
    /// Two entries share a device id or a device key.
    #[error("roster names a device twice")]
    Duplicate,
}

impl Roster {
    /// The roster as a signed object, under the account's delegate key.
    #[must_use]
    pub fn sign(&self, delegate_key: &SigningKey) -> Vec<u8> {
        sign1::sign(self, delegate_key)
    }

    /// Verifies a roster and every certificate in it. Expiry is not judged here.
    ///
    /// # Errors
    /// [`RosterError`], by the first check that failed.
    pub fn verify(
        object: &[u8],
        delegate_key: &PublicKey,
        did: &Did,
    ) -> Result<VerifiedRoster, RosterError> {
        let roster: Self = sign1::verify(object, delegate_key)?;
        if roster.did != *did {
            return Err(RosterError::OtherAccount);
        }
        if roster.devices.is_empty() || roster.devices.len() > MAX_DEVICES {
            return Err(RosterError::Size);
        }
        let mut devices: Vec<DeviceCertificate> = Vec::with_capacity(roster.devices.len());
        for object in &roster.devices {
            let device = DeviceCertificate::verify_at_any_time(object, delegate_key, did)?;
            let known = devices.iter().any(|other| {
                other.device_id == device.device_id || other.device_key == device.device_key
            });
            if known {
                return Err(RosterError::Duplicate);
            }
            devices.push(device);
        }
        let Self {
            did,
            seq,
            devices: certificates,
        } = roster;
        Ok(VerifiedRoster {
            did,
            seq,
            devices,
            certificates,
        })
    }
}

impl VerifiedRoster {
    /// The certificate of a device, where the roster has it.
    #[must_use]
    pub fn device(&self, id: &DeviceId) -> Option<&DeviceCertificate> {
        self.devices.iter().find(|device| device.device_id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn did() -> Did {
        Did::parse("did:web:alice.example").unwrap()
    }

    fn delegate() -> SigningKey {
        SigningKey::from_seed(&[1; 32])
    }

    fn certificate(id: u8, key: u8) -> DeviceCertificate {
        DeviceCertificate {
            did: did(),
            device_id: DeviceId::from_bytes([id; 16]),
            issued_at: Timestamp(1_700_000_000),
            device_key: SigningKey::from_seed(&[key; 32]).public(),
            expires_at: Timestamp(1_710_000_000),
        }
    }

    fn verify(devices: Vec<Vec<u8>>) -> Result<VerifiedRoster, RosterError> {
        let roster = Roster {
            did: did(),
            seq: 5,
            devices,
        };
        Roster::verify(&roster.sign(&delegate()), &delegate().public(), &did())
    }

    #[test]
    fn gives_the_verified_devices() {
        let (a, b) = (certificate(1, 11), certificate(2, 12));
        let objects = vec![a.sign(&delegate()), b.sign(&delegate())];
        let roster = verify(objects.clone()).unwrap();
        assert_eq!((roster.seq, &roster.certificates), (5, &objects));
        assert_eq!(roster.devices, [a.clone(), b]);
        assert_eq!(roster.device(&a.device_id), Some(&a));
        assert_eq!(roster.device(&DeviceId::from_bytes([9; 16])), None);
    }

    #[test]
    fn refuses_bad_entries() {
        let good = certificate(1, 11).sign(&delegate());
        assert_eq!(verify(vec![]), Err(RosterError::Size));
        let many = (1..=17)
            .map(|n| certificate(n, 100 + n).sign(&delegate()))
            .collect();
        assert_eq!(verify(many), Err(RosterError::Size));
        let same_id = certificate(1, 12).sign(&delegate());
        assert_eq!(
            verify(vec![good.clone(), same_id]),
            Err(RosterError::Duplicate)
        );
        let same_key = certificate(2, 11).sign(&delegate());
        assert_eq!(
            verify(vec![good.clone(), same_key]),
            Err(RosterError::Duplicate)
        );
        let forged = certificate(2, 12).sign(&SigningKey::from_seed(&[9; 32]));
        assert!(matches!(
            verify(vec![good, forged]),
            Err(RosterError::Certificate(_))
        ));
    }

    #[test]
    fn sixteen_devices_fit_into_a_signed_object() {
        let all: Vec<_> = (1..=16)
            .map(|n| certificate(n, 100 + n).sign(&delegate()))
            .collect();
        assert_eq!(verify(all).unwrap().devices.len(), MAX_DEVICES);
    }

    #[test]
    fn is_bound_to_its_account() {
        let devices = vec![certificate(1, 11).sign(&delegate())];
        let object = Roster {
            did: did(),
            seq: 1,
            devices,
        }
        .sign(&delegate());
        let other = Did::parse("did:web:mallory.example").unwrap();
        let refused = Roster::verify(&object, &delegate().public(), &other);
        assert_eq!(refused, Err(RosterError::OtherAccount));
    }
}
