//! Who puts, and whom they put to.

use std::net::SocketAddr;

use sotto_wire::cbor;
use sotto_wire::device::{DeviceCertificate, DeviceId};
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::first_contact::Envelope;
use sotto_wire::key::SigningKey;
use sotto_wire::random::{self, OsRandom, Random as _};
use sotto_wire::relay_api::{RegistrationRequest, paths};
use sotto_wire::roster::Roster;
use sotto_wire::time::{Clock as _, SystemClock};

use super::line::{Line, request};
use crate::connection::Connection;
use crate::host::Host;
use crate::people::Device;
use crate::{Done, SIZE};

/// An account with one device.
pub(super) struct Person {
    /// The account.
    pub(super) did: Did,
    /// The device.
    pub(super) device: Device,
    delegate: SigningKey,
    cert: Vec<u8>,
}

impl Person {
    /// A new account of this host, which may be verified and is registered nowhere.
    pub(super) fn new(host: &Host, domain: &Domain) -> Done<Self> {
        let delegate = SigningKey::generate(&OsRandom);
        let did = host.account(&delegate, domain)?;
        let key = SigningKey::generate(&OsRandom);
        let now = SystemClock.now();
        let certificate = DeviceCertificate {
            did: did.clone(),
            device_id: DeviceId::generate(&OsRandom),
            issued_at: now,
            device_key: key.public(),
            expires_at: now.plus(86_400 * 300),
        };
        let cert = certificate.sign(&delegate);
        let device = Device { key };
        Ok(Self {
            did,
            device,
            delegate,
            cert,
        })
    }

    /// Registers the device.
    pub(super) async fn register(&self, at: SocketAddr, domain: &Domain) -> Done<()> {
        let roster = Roster {
            did: self.did.clone(),
            seq: 1,
            devices: vec![self.cert.clone()],
        };
        let body = cbor::encode(&RegistrationRequest {
            did: self.did.clone(),
            key: self.delegate.public(),
            cert: Some(self.cert.clone()),
            roster: Some(roster.sign(&self.delegate)),
            claim: None,
        });
        self.ask(at, domain, ("POST", paths::REGISTRATIONS), &body)
            .await
    }

    /// A request of the device that has to go well.
    pub(super) async fn ask(
        &self,
        at: SocketAddr,
        domain: &Domain,
        (method, path): (&str, &str),
        body: &[u8],
    ) -> Done<()> {
        let mut connection = Connection::open(at, 0, domain.as_str()).await?;
        let content = (!body.is_empty()).then_some(body);
        let signed = self
            .device
            .sign(&mut connection, domain, (method, path), content)
            .await?;
        let request = request(domain, (method, path), Some(&signed), body);
        let answer = Line::open(at, 0).await?.send(&request).await?;
        match answer.status() {
            200..=299 => Ok(()),
            status => Err(format!("{method} {path} was answered {status}").into()),
        }
    }

    /// A first contact, signed by the device or, forged, by another key.
    pub(super) fn envelope(&self, to: &Did, forged: bool) -> Vec<u8> {
        let mut sealed = vec![0; SIZE];
        OsRandom.fill(&mut sealed);
        let envelope = Envelope {
            from: self.did.clone(),
            to: to.clone(),
            cert: self.cert.clone(),
            nonce: random::array(&OsRandom),
            welcome: vec![7; SIZE],
            sealed,
        };
        let other = SigningKey::generate(&OsRandom);
        envelope.sign(if forged { &other } else { &self.device.key })
    }
}
