//! Delegating the account to this device (docs/protocol.md §1). Every step can be repeated: what
//! is published was stored here first, and what a crash interrupts is gone through again.

use super::delegation::{self, Standing};
use super::moving::MoveError;
use super::publish::{self, Seqs, Whose};
use crate::db::{Database, DbError, OwnAccount, incoming, own, peers, pending};
use crate::discovery::{Remembered, profile, remember};
use crate::messages::EngineError;
use crate::relay::key_packages::{self, KeeperError};
use crate::relay::{RelayError, Relays};
use crate::views::ErrorView;
use sotto_identity::Network;
use sotto_identity::oauth::{OAuthError, Session};
use sotto_identity::verify::{VerifiedAccount, VerifyError};
use sotto_wire::domain::Domain;
use sotto_wire::key::SigningKey;
use sotto_wire::random::Random;
use sotto_wire::time::Clock;
use std::sync::Arc;

/// Why the account is not set up. Trying again goes on where it stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetUpError {
    /// The account delegates to another key meanwhile.
    #[error("the account is set up elsewhere")]
    Elsewhere,
    /// The account has no delegation any more.
    #[error("there is no delegation any more")]
    Gone,
    /// The record is nothing that this version can read.
    #[error("the delegation record cannot be read")]
    Unreadable,
    /// The DID document names the present key, and has to name the next one first.
    #[error("the DID document names the present key")]
    AnchorMustFollow,
    /// The DID document names another key than the one that is to be set up.
    #[error("the DID document names another key")]
    AnchoredOther,
    /// The successor is published already, and the rotation cannot be taken back.
    #[error("the next key is published already")]
    Published,
    /// The words are of a key that was rotated since.
    #[error("the words are of an earlier key")]
    OlderKey,
    /// The words are of no key of this account.
    #[error("the words are of another key")]
    OtherKey,
    /// The account does not move, or something else has to wait for its move.
    #[error(transparent)]
    Move(#[from] MoveError),
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
    /// What would be made now would be valid for nobody.
    #[error("this machine's clock is wrong")]
    ClockWrong,
}

impl SetUpError {
    /// The code for the user interface.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Elsewhere => "delegation.elsewhere",
            Self::Gone => "delegation.gone",
            Self::Unreadable => "delegation.unreadable",
            Self::AnchorMustFollow => "delegation.anchored",
            Self::AnchoredOther => "delegation.anchored_other",
            Self::Published => "delegation.published",
            Self::OlderKey => "recovery.older_key",
            Self::OtherKey => "recovery.other_key",
            Self::Move(error) => error.code(),
            Self::NotWritten => "delegation.not_written",
            Self::OAuth(error) => error.code(),
            Self::Verify(error) => error.code(),
            Self::Relay(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Start(error) => &error.code,
            Self::ClockWrong => "clock.wrong",
        }
    }
}

impl From<KeeperError> for SetUpError {
    fn from(error: KeeperError) -> Self {
        match error {
            KeeperError::Relay(error) => Self::Relay(error),
            KeeperError::Mls(error) => Self::Engine(error.into()),
            KeeperError::ClockWrong => Self::ClockWrong,
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
        // Stored first: its key may have to be put into the DID document.
        let stored = own.clone();
        self.database
            .write(move |tx| {
                own::store(tx, &stored)?;
                pending::set_words_due(tx, true)
            })
            .await?;
        let stored = self.database.read::<_, DbError>(|tx| {
            Ok((incoming::policy(tx)?.incoming, pending::succession(tx)?))
        });
        let (policy, chain) = stored.await?;
        let record = publish::record(&own, chain, policy, self.clock.now());
        let way = self.way(&record.key, &record.succession, false).await;
        let way = way.map_err(|error| match error {
            SetUpError::AnchorMustFollow => SetUpError::AnchoredOther,
            other => other,
        })?;
        self.publish(way, &record, replaces.as_deref(), false)
            .await?;
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

    /// The account with the number of a claim that was never used: stored before it is.
    pub(super) async fn newer_claim(&self) -> Result<OwnAccount, SetUpError> {
        let numbered = self.database.write::<_, DbError>(|tx| {
            let mut own = own::load(tx)?.ok_or(DbError::Stored("account"))?;
            own.claim_seq += 1;
            own::store(tx, &own)?;
            Ok(own)
        });
        Ok(numbered.await?)
    }

    /// The account as it is.
    pub(super) async fn own(&self) -> Result<OwnAccount, SetUpError> {
        let own = self.database.read(|tx| own::load(tx)).await?;
        Ok(own.ok_or(EngineError::NoAccount)?)
    }

    pub(super) fn relays(&self, own: &OwnAccount) -> Relays {
        self.relays_as(own.device_key.clone())
    }

    pub(super) fn relays_as(&self, device_key: SigningKey) -> Relays {
        let (http, clock) = (Arc::clone(self.network.http()), Arc::clone(&self.clock));
        Relays::new(http, self.development, clock, device_key)
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
            let whose = Whose {
                did: set_up.session.did().clone(),
                handle: set_up.handle.clone(),
                domain,
            };
            let (random, now) = (&*set_up.random, set_up.clock.now());
            let first = Seqs {
                claim: 1,
                roster: 1,
            };
            publish::on_new_device(whose, SigningKey::generate(random), first, now, random)
        }
    }
}
