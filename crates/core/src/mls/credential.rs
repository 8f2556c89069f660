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
    /// Certificates of the peer's devices that are at hand, for leaves made under an earlier key.
    pub(crate) held: &'a [Vec<u8>],
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

    /// Certificates at hand of an account's devices.
    fn held_of(&self, did: &Did) -> &[Vec<u8>] {
        if *did == self.own.did {
            std::slice::from_ref(&self.own.certificate)
        } else {
            self.held
        }
    }

    /// Checks that a leaf is a certified device of one of the two accounts. Gives the certificate
    /// that says so, which after a rotation is not the leaf's own.
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
        let device = certified(
            &bytes,
            self.held_of(&claimed.did),
            &claimed.did,
            &key,
            self.now,
        )?;
        if device.certificate.device_key.as_bytes().as_slice() != signature_key {
            return Err(MlsError::Refused("certificate.other-key"));
        }
        Ok(device)
    }
}

/// A device that shows a certificate: certified by it, or, where it was made under an earlier key
/// of the account, by one `held` under its present key for the same device id and device key
/// (docs/protocol.md §1.10).
pub(crate) fn certified(
    shown: &[u8],
    held: &[Vec<u8>],
    did: &Did,
    key: &PublicKey,
    now: Timestamp,
) -> Result<VerifiedDevice, MlsError> {
    let refused = match verified(shown, did, key, now) {
        Ok(certificate) => {
            let bytes = shown.to_vec();
            return Ok(VerifiedDevice { certificate, bytes });
        }
        Err(refused) => refused,
    };
    let claimed = DeviceCertificate::parse_unverified(shown)
        .map_err(|_| MlsError::Refused("certificate.malformed"))?;
    let again = held.iter().find_map(|bytes| {
        let certificate = verified(bytes, did, key, now).ok()?;
        let bytes = bytes.clone();
        same_device(&certificate, &claimed).then_some(VerifiedDevice { certificate, bytes })
    });
    again.ok_or(refused)
}

/// Whether two certificates are of one device, whichever key signed them.
pub(super) fn same_device(one: &DeviceCertificate, other: &DeviceCertificate) -> bool {
    one.did == other.did && one.device_id == other.device_id && one.device_key == other.device_key
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
