//! The devices of a peer: a roster under its key, and a claimed key package of each.

use super::{Discovery, DiscoveryError};
use crate::db::peers;
use crate::relay::RelayError;
use sotto_identity::verify::Pin;
use sotto_wire::did::Did;
use sotto_wire::relay_api::ClaimResponse;
use sotto_wire::roster::{Roster, VerifiedRoster};
use sotto_wire::time::Timestamp;

/// A device that can be added to a send group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key_package: Vec<u8>,
    /// As its relay says; a relay that lies about it could hand out one package to several anyway.
    pub(crate) last_resort: bool,
}

impl Discovery {
    /// Claims a key package of every device of a verified account, for the send group that is made
    /// under this `id` (docs/protocol.md §4.4).
    pub(crate) async fn devices(
        &self,
        pin: &Pin,
        id: [u8; 16],
    ) -> Result<Vec<Device>, DiscoveryError> {
        let claimed = self.relays.claim(&self.own, &pin.domain, &pin.did, id);
        let answer = match claimed.await {
            Err(RelayError::Refused { status: 404, .. }) => {
                return Err(DiscoveryError::NoKeyPackage);
            }
            other => other?,
        };
        let seen = self.roster_seen(&pin.did).await?;
        let (seq, devices) = matched(answer, pin, seen, self.clock.now())?;
        let did = pin.did.clone();
        self.database
            .write(move |tx| peers::saw_roster(tx, &did, seq))
            .await?;
        Ok(devices)
    }

    /// Number of the newest roster seen of an account.
    pub(super) async fn roster_seen(&self, did: &Did) -> Result<u64, DiscoveryError> {
        let did = did.clone();
        Ok(self
            .database
            .read(move |tx| peers::roster_seq(tx, &did))
            .await?)
    }
}

/// A roster under the key of `pin`, not older than the one `seen` (docs/protocol.md §1.6).
pub(super) fn current_roster(
    object: &[u8],
    pin: &Pin,
    seen: u64,
) -> Result<VerifiedRoster, DiscoveryError> {
    let roster = Roster::verify(object, &pin.key, &pin.did).map_err(|_| DiscoveryError::Roster)?;
    if roster.seq < seen {
        return Err(DiscoveryError::Roster);
    }
    Ok(roster)
}

/// The devices that the account vouches for and that have a package; the relay's word counts for
/// nothing but which package to try for which device.
fn matched(
    answer: ClaimResponse,
    pin: &Pin,
    seen: u64,
    now: Timestamp,
) -> Result<(u64, Vec<Device>), DiscoveryError> {
    let roster = current_roster(&answer.roster, pin, seen)?;
    let devices: Vec<Device> = roster
        .devices
        .iter()
        .zip(&roster.certificates)
        .filter(|(device, _)| !device.is_expired(now))
        .filter_map(|(device, certificate)| {
            let claimed = answer
                .packages
                .iter()
                .find(|it| it.device_id == device.device_id)?;
            Some(Device {
                certificate: certificate.clone(),
                key_package: claimed.package.clone(),
                last_resort: claimed.last_resort,
            })
        })
        .collect();
    if devices.is_empty() {
        return Err(DiscoveryError::NoKeyPackage);
    }
    Ok((roster.seq, devices))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_identity::repo::Tid;
    use sotto_identity::verify::{Evidence, Level};
    use sotto_wire::claim::Incoming;
    use sotto_wire::device::{DeviceCertificate, DeviceId};
    use sotto_wire::domain::Domain;
    use sotto_wire::key::SigningKey;
    use sotto_wire::relay_api::ClaimedPackage;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn pin(key: &SigningKey) -> Pin {
        Pin {
            did: Did::parse("did:web:bob.example").unwrap(),
            key: key.public(),
            domain: Domain::parse("relay.example").unwrap(),
            incoming: Incoming::Everyone,
            claim_seq: 1,
            repo_rev: Tid::parse("3l3qo2vutsw2b").unwrap(),
            level: Level::Vended,
            evidence: Evidence::default(),
            predecessors: Vec::new(),
        }
    }

    fn certificate(id: u8, expires: u64, key: &SigningKey) -> Vec<u8> {
        let device = DeviceCertificate {
            did: pin(key).did,
            device_id: DeviceId::from_bytes([id; 16]),
            issued_at: Timestamp(expires - 86_400),
            device_key: SigningKey::from_seed(&[id; 32]).public(),
            expires_at: Timestamp(expires),
        };
        device.sign(key)
    }

    fn answer(seq: u64, devices: Vec<Vec<u8>>, packages: &[u8], key: &SigningKey) -> ClaimResponse {
        let packages = packages.iter().map(|id| ClaimedPackage {
            package: vec![*id],
            device_id: DeviceId::from_bytes([*id; 16]),
            last_resort: false,
        });
        let roster = Roster {
            did: pin(key).did,
            seq,
            devices,
        }
        .sign(key);
        ClaimResponse {
            roster,
            packages: packages.collect(),
        }
    }

    #[test]
    fn a_device_needs_the_roster_and_a_package() {
        let key = SigningKey::from_seed(&[9; 32]);
        let (one, two) = (
            certificate(1, NOW.0 + 9, &key),
            certificate(2, NOW.0 + 9, &key),
        );
        let expired = certificate(3, NOW.0, &key);
        let found = answer(4, vec![one, two.clone(), expired], &[2, 3, 7], &key);
        let (seq, devices) = matched(found, &pin(&key), 4, NOW).unwrap();
        assert_eq!(seq, 4);
        assert_eq!(
            devices,
            [Device {
                certificate: two,
                key_package: vec![2],
                last_resort: false,
            }]
        );
    }

    #[test]
    fn a_relay_cannot_add_devices_or_go_back() {
        let (key, relay) = (
            SigningKey::from_seed(&[9; 32]),
            SigningKey::from_seed(&[8; 32]),
        );
        let forged = answer(4, vec![certificate(1, NOW.0 + 9, &relay)], &[1], &relay);
        assert!(matches!(
            matched(forged, &pin(&key), 0, NOW),
            Err(DiscoveryError::Roster)
        ));
        let old = answer(3, vec![certificate(1, NOW.0 + 9, &key)], &[1], &key);
        assert!(matches!(
            matched(old, &pin(&key), 4, NOW),
            Err(DiscoveryError::Roster)
        ));
        let none = answer(4, vec![certificate(1, NOW.0 + 9, &key)], &[], &key);
        assert!(matches!(
            matched(none, &pin(&key), 4, NOW),
            Err(DiscoveryError::NoKeyPackage)
        ));
    }
}
