//! Whose leaf it is: the identity of every credential is a device certificate (§1.6).

use super::MlsError;
use openmls::prelude::{BasicCredential, Credential, CredentialWithKey};
use sotto_identity::verify::Pin;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use sotto_wire::time::Timestamp;

use crate::db::OwnAccount;

/// A certified device and the bytes of its certificate.
#[derive(Debug, Clone)]
pub(crate) struct VerifiedDevice {
    pub(crate) certificate: DeviceCertificate,
    pub(crate) bytes: Vec<u8>,
}

/// The two accounts of a conversation and the keys that certify their devices.
pub(crate) struct Accounts<'a> {
    pub(crate) own: &'a OwnAccount,
    pub(crate) peer: &'a Pin,
    pub(crate) now: Timestamp,
}

impl Accounts<'_> {
    fn key_of(&self, did: &Did) -> Option<PublicKey> {
        if *did == self.own.did {
            Some(self.own.delegate_key.public())
        } else if *did == self.peer.did {
            Some(self.peer.key)
        } else {
            None
        }
    }

    /// Checks that a leaf is a certified device of one of the two accounts.
    pub(super) fn leaf(
        &self,
        credential: &Credential,
        signature_key: &[u8],
    ) -> Result<VerifiedDevice, MlsError> {
        let bytes = identity(credential)?;
        let claimed = DeviceCertificate::parse_unverified(&bytes)
            .map_err(|_| MlsError::Refused("certificate.malformed"))?;
        let key = self
            .key_of(&claimed.did)
            .ok_or(MlsError::Refused("certificate.other-account"))?;
        let certificate = verified(&bytes, &claimed.did, &key, self.now)?;
        if certificate.device_key.as_bytes().as_slice() != signature_key {
            return Err(MlsError::Refused("certificate.other-key"));
        }
        Ok(VerifiedDevice { certificate, bytes })
    }
}

/// A certificate of `did` under its delegate key, valid at `now`.
pub(crate) fn verified(
    bytes: &[u8],
    did: &Did,
    key: &PublicKey,
    now: Timestamp,
) -> Result<DeviceCertificate, MlsError> {
    DeviceCertificate::verify(bytes, key, did, now)
        .map_err(|_| MlsError::Refused("certificate.invalid"))
}

pub(super) fn identity(credential: &Credential) -> Result<Vec<u8>, MlsError> {
    let basic = BasicCredential::try_from(credential.clone())
        .map_err(|_| MlsError::Refused("certificate.not-basic"))?;
    Ok(basic.identity().to_vec())
}

/// The credential of this device's own leaves.
pub(super) fn own(own: &OwnAccount) -> CredentialWithKey {
    CredentialWithKey {
        credential: BasicCredential::new(own.certificate.clone()).into(),
        signature_key: own.device_key.public().as_bytes().to_vec().into(),
    }
}
