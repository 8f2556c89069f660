//! Accounts and devices of the tests.

use sotto_wire::cbor;
use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::device::{DeviceCertificate, DeviceId};
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::first_contact::Envelope;
use sotto_wire::key::SigningKey;
use sotto_wire::pair_put::PairPut;
use sotto_wire::random::{self, OsRandom};
use sotto_wire::relay_api::RegistrationRequest;
use sotto_wire::roster::Roster;
use sotto_wire::time::Timestamp;

/// An account with its delegate key.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) did: Did,
    pub(crate) delegate: SigningKey,
}

/// A certified device.
#[derive(Clone)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) key: SigningKey,
    pub(crate) cert: Vec<u8>,
}

impl Person {
    /// A person with a DID made of `name`.
    pub(crate) fn new(name: &str) -> Self {
        let did = Did::parse(&format!("did:web:{name}.example")).expect("did");
        Self {
            did,
            delegate: SigningKey::generate(&OsRandom),
        }
    }

    /// A new device, certified around `now`.
    pub(crate) fn device(&self, now: u64) -> Device {
        self.device_until(now, now + 86_400 * 300)
    }

    /// The same, with its own end.
    pub(crate) fn device_until(&self, now: u64, end: u64) -> Device {
        let key = SigningKey::generate(&OsRandom);
        let certificate = DeviceCertificate {
            did: self.did.clone(),
            device_id: DeviceId::generate(&OsRandom),
            issued_at: Timestamp(now - 10),
            device_key: key.public(),
            expires_at: Timestamp(end),
        };
        Device {
            id: certificate.device_id,
            key,
            cert: certificate.sign(&self.delegate),
        }
    }

    /// The same device under this person's delegate key.
    pub(crate) fn certified_again(&self, device: &Device) -> Device {
        let certificate = DeviceCertificate::parse_unverified(&device.cert).expect("certificate");
        Device {
            cert: certificate.sign(&self.delegate),
            ..device.clone()
        }
    }

    /// A signed roster.
    pub(crate) fn roster(&self, seq: u64, devices: &[&Device]) -> Vec<u8> {
        let devices = devices.iter().map(|device| device.cert.clone()).collect();
        Roster {
            did: self.did.clone(),
            seq,
            devices,
        }
        .sign(&self.delegate)
    }

    /// The body of a registration.
    pub(crate) fn registration(&self, device: &Device, roster: Vec<u8>) -> Vec<u8> {
        cbor::encode(&RegistrationRequest {
            did: self.did.clone(),
            key: self.delegate.public(),
            cert: Some(device.cert.clone()),
            roster: Some(roster),
            claim: None,
        })
    }

    /// The same ahead of the record, with a claim for `domain` that was signed at `issued_at`.
    pub(crate) fn registration_ahead(
        &self,
        device: &Device,
        roster: Vec<u8>,
        (domain, issued_at): (&Domain, u64),
    ) -> Vec<u8> {
        let claim = Claim {
            did: self.did.clone(),
            key: self.delegate.public(),
            seq: 2,
            domain: domain.clone(),
            incoming: Incoming::Everyone,
            issued_at: Timestamp(issued_at),
        };
        cbor::encode(&RegistrationRequest {
            did: self.did.clone(),
            key: self.delegate.public(),
            cert: Some(device.cert.clone()),
            roster: Some(roster),
            claim: Some(claim.sign(&self.delegate)),
        })
    }

    /// The body of a registration of the delegate key alone.
    pub(crate) fn registration_alone(&self) -> Vec<u8> {
        cbor::encode(&RegistrationRequest {
            did: self.did.clone(),
            key: self.delegate.public(),
            cert: None,
            roster: None,
            claim: None,
        })
    }

    /// A pair put of the delegate key.
    pub(crate) fn pair_put(&self, to: &Did, message: &[u8], nonce: [u8; 16]) -> Vec<u8> {
        PairPut {
            from: self.did.clone(),
            to: to.clone(),
            nonce,
            message: message.to_vec(),
        }
        .sign(&self.delegate)
    }

    /// Another delegate key of the same account.
    pub(crate) fn with_another_key(&self) -> Self {
        Self {
            did: self.did.clone(),
            delegate: SigningKey::generate(&OsRandom),
        }
    }

    /// A first-contact envelope from `device` to `to`.
    pub(crate) fn envelope(&self, device: &Device, to: &Did, text: &str) -> Vec<u8> {
        self.envelope_with_nonce(device, to, text, random::array(&OsRandom))
    }

    /// The same with its own nonce.
    pub(crate) fn envelope_with_nonce(
        &self,
        device: &Device,
        to: &Did,
        text: &str,
        nonce: [u8; 16],
    ) -> Vec<u8> {
        Envelope {
            from: self.did.clone(),
            to: to.clone(),
            cert: device.cert.clone(),
            nonce,
            welcome: b"a welcome".to_vec(),
            sealed: text.as_bytes().to_vec(),
        }
        .sign(&device.key)
    }
}
