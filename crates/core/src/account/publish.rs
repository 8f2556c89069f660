//! What the own account publishes: its device under the delegate key, and the record.

use crate::db::OwnAccount;
use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::device::{DeviceCertificate, DeviceId};
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::key::SigningKey;
use sotto_wire::random::Random;
use sotto_wire::roster::Roster;
use sotto_wire::time::Timestamp;

/// Life of a device certificate in seconds: 365 days.
const CERTIFICATE_LIFE: u64 = 365 * 86_400;

/// Numbers that only grow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seqs {
    pub(super) claim: u64,
    pub(super) roster: u64,
}

/// Whose account it is.
#[derive(Debug, Clone)]
pub(super) struct Whose {
    pub(super) did: Did,
    pub(super) handle: String,
    pub(super) domain: Domain,
}

/// An account under this delegate key on a device that has not been one of it before.
pub(super) fn on_new_device(
    whose: Whose,
    delegate_key: SigningKey,
    seqs: Seqs,
    now: Timestamp,
    random: &dyn Random,
) -> OwnAccount {
    let Whose {
        did,
        handle,
        domain,
    } = whose;
    let device_key = SigningKey::generate(random);
    let device_id = DeviceId::generate(random);
    let certificate = DeviceCertificate {
        did: did.clone(),
        device_id,
        issued_at: now,
        device_key: device_key.public(),
        expires_at: now.plus(CERTIFICATE_LIFE),
    };
    let certificate = certificate.sign(&delegate_key);
    let roster = Roster {
        did: did.clone(),
        seq: seqs.roster,
        devices: vec![certificate.clone()],
    };
    OwnAccount {
        roster: roster.sign(&delegate_key),
        did,
        handle,
        domain,
        delegate_key,
        device_id,
        device_key,
        certificate,
        roster_seq: seqs.roster,
        claim_seq: seqs.claim,
    }
}

/// The record of an account (docs/protocol.md §1.1).
pub(super) fn record(
    own: &OwnAccount,
    succession: Vec<Vec<u8>>,
    incoming: Incoming,
    now: Timestamp,
) -> DelegationRecord {
    let key = own.delegate_key.public();
    let claim = Claim {
        did: own.did.clone(),
        key,
        seq: own.claim_seq,
        domain: own.domain.clone(),
        incoming,
        issued_at: now,
    };
    DelegationRecord {
        key,
        domain: own.domain.clone(),
        claim: claim.sign(&own.delegate_key),
        succession,
        incoming,
        created_at: now.rfc3339(),
    }
}

/// What a set-up makes, for a simulation, which has nobody to sign in.
#[cfg(feature = "testing")]
pub(crate) fn by_hand(
    (did, handle, domain): (&Did, &str, &Domain),
    before: Option<&OwnAccount>,
    incoming: Incoming,
    now: Timestamp,
    random: &dyn Random,
) -> (OwnAccount, DelegationRecord) {
    let whose = Whose {
        did: did.clone(),
        handle: handle.to_owned(),
        domain: domain.clone(),
    };
    let key = before.map(|own| own.delegate_key.clone());
    let key = key.unwrap_or_else(|| SigningKey::generate(random));
    let seqs = Seqs {
        claim: before.map_or(1, |own| own.claim_seq + 1),
        roster: before.map_or(1, |own| own.roster_seq + 1),
    };
    let own = on_new_device(whose, key, seqs, now, random);
    let record = record(&own, Vec::new(), incoming, now);
    (own, record)
}

/// What a move to another relay makes, for a simulation.
#[cfg(feature = "testing")]
pub(crate) fn moved_by_hand(
    own: &OwnAccount,
    to: &Domain,
    incoming: Incoming,
    now: Timestamp,
) -> (OwnAccount, DelegationRecord) {
    let own = OwnAccount {
        domain: to.clone(),
        claim_seq: own.claim_seq + 1,
        ..own.clone()
    };
    let record = record(&own, Vec::new(), incoming, now);
    (own, record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_wire::random::OsRandom;

    #[test]
    fn what_is_made_verifies_under_its_own_key() {
        let did = Did::parse("did:web:alice.example").unwrap();
        let domain = Domain::parse("relay.example").unwrap();
        let now = Timestamp(1_800_000_000);
        let whose = Whose {
            did: did.clone(),
            handle: "alice.example".into(),
            domain: domain.clone(),
        };
        let (delegate, seqs) = (
            SigningKey::generate(&OsRandom),
            Seqs {
                claim: 1,
                roster: 3,
            },
        );
        let own = on_new_device(whose, delegate, seqs, now, &OsRandom);
        let key = own.delegate_key.public();
        let roster = Roster::verify(&own.roster, &key, &did).unwrap();
        assert_eq!((roster.seq, roster.devices.len()), (3, 1));
        let device = DeviceCertificate::verify(&own.certificate, &key, &did, now).unwrap();
        assert_eq!(device.device_key, own.device_key.public());
        let record = record(&own, Vec::new(), Incoming::Everyone, now);
        let claim = Claim::verify(&record.claim, &key).unwrap();
        assert_eq!((claim.did, claim.domain, claim.seq), (did, domain, 1));
        assert_eq!(record.incoming, claim.incoming);
    }
}
