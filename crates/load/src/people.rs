//! Accounts and devices that register as every other.

use std::net::SocketAddr;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sotto_wire::cbor;
use sotto_wire::challenge::{ChallengeRequest, ChallengeResponse, Realm};
use sotto_wire::device::{DeviceCertificate, DeviceId};
use sotto_wire::domain::Domain;
use sotto_wire::grant::IssuedGrant;
use sotto_wire::http_sig::{self, RequestParts, SignatureHeaders};
use sotto_wire::key::SigningKey;
use sotto_wire::random::OsRandom;
use sotto_wire::relay_api::{GrantsRequest, GrantsResponse, RegistrationRequest, paths};
use sotto_wire::roster::{MAX_DEVICES, Roster};
use sotto_wire::time::{Clock as _, SystemClock};

use crate::Done;
use crate::connection::Connection;
use crate::host::Host;

/// Accounts that register at the same time.
const AT_ONCE: usize = 16;
/// As many as one request may ask for.
const GRANTS: usize = 20;

/// A registered device.
#[derive(Clone)]
pub(crate) struct Device {
    /// Its key.
    pub(crate) key: SigningKey,
}

/// A challenge for `realm` and `subject`.
pub(crate) async fn challenge(
    connection: &mut Connection,
    realm: Realm,
    subject: &str,
) -> Done<String> {
    let asked = cbor::encode(&ChallengeRequest {
        r: realm,
        s: subject.to_owned(),
    });
    let answer = connection.post(paths::CHALLENGES, &[], &asked).await?;
    if answer.status != 200 {
        return Err(format!("a challenge was answered {}", answer.status).into());
    }
    Ok(cbor::decode::<ChallengeResponse>(&answer.body, 4096)?.c)
}

impl Device {
    /// Signs a request under a fresh challenge.
    pub(crate) async fn sign(
        &self,
        connection: &mut Connection,
        domain: &Domain,
        (method, path): (&str, &str),
        body: Option<&[u8]>,
    ) -> Done<SignatureHeaders> {
        let subject = self.key.public().thumbprint().text();
        let challenge = challenge(connection, Realm::Device, &subject).await?;
        let parts = RequestParts {
            method,
            authority: domain.as_str(),
            path,
            query: None,
            body,
        };
        Ok(http_sig::sign(
            &parts,
            &challenge,
            SystemClock.now(),
            &self.key,
        )?)
    }

    async fn post(
        &self,
        connection: &mut Connection,
        domain: &Domain,
        path: &str,
        body: &[u8],
    ) -> Done<Vec<u8>> {
        let signed = self
            .sign(connection, domain, ("POST", path), Some(body))
            .await?;
        let headers = [
            (
                http_sig::CONTENT_DIGEST,
                signed.content_digest.as_deref().unwrap_or_default(),
            ),
            (http_sig::SIGNATURE_INPUT, signed.signature_input.as_str()),
            (http_sig::SIGNATURE, signed.signature.as_str()),
        ];
        let answer = connection.post(path, &headers, body).await?;
        match answer.status {
            200 | 201 => Ok(answer.body),
            status => {
                let said = String::from_utf8_lossy(&answer.body).into_owned();
                Err(format!("{path} was answered {status}: {said}").into())
            }
        }
    }

    /// So many grants of this device.
    pub(crate) async fn grants(
        &self,
        at: SocketAddr,
        domain: &Domain,
        mut wanted: usize,
    ) -> Done<Vec<IssuedGrant>> {
        let mut connection = Connection::open(at, 0, domain.as_str()).await?;
        let mut grants = Vec::new();
        while wanted > 0 {
            let n = wanted.min(GRANTS);
            let body = cbor::encode(&GrantsRequest {
                n: u64::try_from(n)?,
            });
            let answer = self
                .post(&mut connection, domain, paths::GRANTS, &body)
                .await?;
            grants.extend(cbor::decode::<GrantsResponse>(&answer, 1 << 16)?.grants);
            wanted -= n;
        }
        Ok(grants)
    }
}

/// Registers so many devices, of as few accounts as can have them.
pub(crate) async fn register(
    host: &Host,
    at: SocketAddr,
    domain: &Domain,
    devices: usize,
) -> Done<Vec<Device>> {
    let accounts = devices.div_ceil(MAX_DEVICES);
    let sizes = (0..accounts).map(|number| MAX_DEVICES.min(devices - number * MAX_DEVICES));
    let registered: Vec<Vec<Device>> = stream::iter(sizes)
        .map(|size| account(host, at, domain, size))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(registered.into_iter().flatten().collect())
}

async fn account(host: &Host, at: SocketAddr, domain: &Domain, size: usize) -> Done<Vec<Device>> {
    let delegate = SigningKey::generate(&OsRandom);
    let did = host.account(&delegate, domain)?;
    let now = SystemClock.now();
    let devices: Vec<_> = (0..size)
        .map(|_| Device {
            key: SigningKey::generate(&OsRandom),
        })
        .collect();
    let certificates: Vec<_> = devices
        .iter()
        .map(|device| {
            let certificate = DeviceCertificate {
                did: did.clone(),
                device_id: DeviceId::generate(&OsRandom),
                issued_at: now,
                device_key: device.key.public(),
                expires_at: now.plus(86_400 * 300),
            };
            certificate.sign(&delegate)
        })
        .collect();
    let roster = Roster {
        did: did.clone(),
        seq: 1,
        devices: certificates.clone(),
    };
    let roster = roster.sign(&delegate);
    let mut connection = Connection::open(at, 0, domain.as_str()).await?;
    for (device, cert) in devices.iter().zip(certificates) {
        let body = cbor::encode(&RegistrationRequest {
            did: did.clone(),
            key: delegate.public(),
            cert: Some(cert),
            roster: Some(roster.clone()),
            claim: None,
        });
        device
            .post(&mut connection, domain, paths::REGISTRATIONS, &body)
            .await?;
    }
    Ok(devices)
}
