//! Delegating the account to this device (docs/protocol.md §1). Every step can be repeated: what
//! is published was stored here first, and what a crash interrupts is gone through again.

use super::delegation::{self, Standing};
use crate::db::{Database, DbError, OwnAccount, incoming, own, peers};
use crate::discovery::{Remembered, profile, remember};
use crate::messages::EngineError;
use crate::relay::key_packages::{self, KeeperError};
use crate::relay::{RelayError, Relays};
use crate::views::ErrorView;
use sotto_identity::Network;
use sotto_identity::oauth::{OAuthError, Session};
use sotto_identity::verify::{VerifiedAccount, VerifyError};
use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::device::{DeviceCertificate, DeviceId};
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::key::SigningKey;
use sotto_wire::random::Random;
use sotto_wire::roster::Roster;
use sotto_wire::time::{Clock, Timestamp};
use std::sync::Arc;

/// Life of a device certificate in seconds: 365 days.
const CERTIFICATE_LIFE: u64 = 365 * 86_400;

/// Why the account is not set up. Trying again goes on where it stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetUpError {
    /// The account delegates to another key meanwhile.
    #[error("the account is set up elsewhere")]
    Elsewhere,
    /// The record is not to be seen as it was written.
    #[error("the delegation was written but is not to be read back")]
    NotWritten,
    #[error(transparent)]
    OAuth(OAuthError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It is set up, but messaging does not start.
    #[error(transparent)]
    Start(ErrorView),
}

impl SetUpError {
    /// The code for the user interface.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Elsewhere => "delegation.elsewhere",
            Self::NotWritten => "delegation.not_written",
            Self::OAuth(error) => error.code(),
            Self::Verify(error) => error.code(),
            Self::Relay(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Start(error) => &error.code,
        }
    }
}

impl From<KeeperError> for SetUpError {
    fn from(error: KeeperError) -> Self {
        match error {
            KeeperError::Relay(error) => Self::Relay(error),
            KeeperError::Mls(error) => Self::Engine(error.into()),
        }
    }
}

impl From<OAuthError> for SetUpError {
    fn from(error: OAuthError) -> Self {
        match error {
            OAuthError::RecordChanged => Self::Elsewhere,
            other => Self::OAuth(other),
        }
    }
}

impl From<DbError> for SetUpError {
    fn from(error: DbError) -> Self {
        Self::Engine(error.into())
    }
}

/// What setting up works with.
pub(crate) struct SetUp {
    pub(crate) network: Network,
    pub(crate) session: Session,
    pub(crate) database: Database,
    pub(crate) handle: String,
    pub(crate) development: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl SetUp {
    /// Delegates to this device, with its mailbox at `domain`, and registers it there.
    pub(crate) async fn run(&self, domain: Domain) -> Result<OwnAccount, SetUpError> {
        let before = self.database.read(|tx| own::load(tx)).await?;
        let own = prepare(self, before, domain);
        let relays = self.relays(&own);
        // Before anything is written: a domain that is no relay would make the account unreachable.
        relays.check_relay(&own.domain).await?;
        let replaces = match delegation::standing(&self.session, Some(&own)).await? {
            Standing::Absent => None,
            Standing::Ours { cid } => Some(cid),
            Standing::Elsewhere => return Err(SetUpError::Elsewhere),
        };
        let stored = own.clone();
        self.database
            .write(move |tx| own::store(tx, &stored))
            .await?;
        let policy = self.database.read(|tx| incoming::policy(tx)).await?;
        let record = record(&own, policy.incoming, self.clock.now());
        delegation::publish(&self.session, &record, replaces.as_deref()).await?;
        self.complete(own).await
    }

    /// What is left once the record is written: read it back as others will, register, publish key
    /// packages. The stored pin of the own account is the mark that all of it was done.
    pub(crate) async fn complete(&self, own: OwnAccount) -> Result<OwnAccount, SetUpError> {
        let verified = self.read_back(&own).await?;
        let relays = self.relays(&own);
        relays.register(&own).await?;
        key_packages::reconcile(&self.database, &relays, &own.domain, &*self.clock).await?;
        let mut peer = profile::fetch(&self.network, &verified).await;
        peer.handle = Some(own.handle.clone());
        peer.verified_at = self.clock.now_ms();
        let seen = verified.incoming();
        self.database
            .write(move |tx| {
                incoming::published(tx, seen)?;
                peers::upsert(tx, &peer).map(drop)
            })
            .await?;
        Ok(own)
    }

    pub(super) async fn read_back(&self, own: &OwnAccount) -> Result<VerifiedAccount, SetUpError> {
        let mut remembered = Remembered::of(&self.database, &own.did).await?;
        // A pin under another key is one of before the account was set up anew.
        remembered
            .pin
            .take_if(|pin| pin.key != own.delegate_key.public());
        let now = self.clock.now();
        let verified = self
            .network
            .verify_account(&own.did, remembered.known(), now)
            .await;
        if let Ok(seen) = &verified {
            remember(&self.database, seen).await?;
        }
        match verified {
            Ok(seen) if *seen.key() != own.delegate_key.public() => Err(SetUpError::Elsewhere),
            Ok(seen) if *seen.domain() != own.domain => Err(SetUpError::NotWritten),
            Ok(seen) => Ok(seen),
            Err(VerifyError::NoDelegation | VerifyError::ClaimRolledBack) => {
                Err(SetUpError::NotWritten)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn relays(&self, own: &OwnAccount) -> Relays {
        let (http, clock) = (Arc::clone(self.network.http()), Arc::clone(&self.clock));
        Relays::new(http, self.development, clock, own.device_key.clone())
    }
}

/// The account as it is about to be: the keys of an earlier attempt with a newer claim, or new ones.
fn prepare(set_up: &SetUp, before: Option<OwnAccount>, domain: Domain) -> OwnAccount {
    match before {
        Some(own) => OwnAccount {
            domain,
            claim_seq: own.claim_seq + 1,
            handle: set_up.handle.clone(),
            ..own
        },
        None => {
            let (did, now) = (set_up.session.did().clone(), set_up.clock.now());
            fresh(did, set_up.handle.clone(), domain, now, &*set_up.random)
        }
    }
}

fn fresh(
    did: Did,
    handle: String,
    domain: Domain,
    now: Timestamp,
    random: &dyn Random,
) -> OwnAccount {
    let (delegate_key, device_key) = (SigningKey::generate(random), SigningKey::generate(random));
    let device_id = DeviceId::generate(random);
    let certificate = DeviceCertificate {
        did: did.clone(),
        device_id,
        issued_at: now,
        device_key: device_key.public(),
        expires_at: now.plus(CERTIFICATE_LIFE),
    };
    let certificate = certificate.sign(&delegate_key);
    let roster_seq = 1;
    let roster = Roster {
        did: did.clone(),
        seq: roster_seq,
        devices: vec![certificate.clone()],
    };
    let roster = roster.sign(&delegate_key);
    OwnAccount {
        did,
        handle,
        domain,
        delegate_key,
        device_id,
        device_key,
        certificate,
        roster,
        roster_seq,
        claim_seq: 1,
    }
}

pub(super) fn record(own: &OwnAccount, incoming: Incoming, now: Timestamp) -> DelegationRecord {
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
        succession: Vec::new(),
        incoming,
        created_at: now.rfc3339(),
    }
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
        let own = fresh(
            did.clone(),
            "alice.example".into(),
            domain.clone(),
            now,
            &OsRandom,
        );
        let key = own.delegate_key.public();
        let roster = Roster::verify(&own.roster, &key, &did).unwrap();
        assert_eq!((roster.seq, roster.devices.len()), (1, 1));
        let device = DeviceCertificate::verify(&own.certificate, &key, &did, now).unwrap();
        assert_eq!(device.device_key, own.device_key.public());
        let record = record(&own, Incoming::Following, now);
        let claim = Claim::verify(&record.claim, &key).unwrap();
        assert_eq!((claim.did, claim.domain, claim.seq), (did, domain, 1));
        assert_eq!(
            (record.incoming, claim.incoming),
            (Incoming::Following, Incoming::Following)
        );
    }
}
