//! Moving the account to another relay (docs/protocol.md §4.9).
//!
//! Until the record may name the next relay, the move can be taken back as if it had never begun.
//! From then on it only goes on: what a crash interrupts is gone through again. What is left behind at
//! the relay of before is collected by `delivery`.

use super::delegation::{self, Standing, Way};
use super::publish;
use super::set_up::{SetUp, SetUpError};
use crate::db::own_move::{self, Move};
use crate::db::{OwnAccount, incoming, own, pending};
use crate::messages::relocate;
use crate::relay::{RelayError, key_packages};
use sotto_identity::verify::VerifiedAccount;
use sotto_wire::claim::Claim;
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::domain::Domain;
use sotto_wire::enabler::EnablerDocument;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A relay that does not answer keeps nobody from staying where they are.
const PATIENCE: Duration = Duration::from_secs(5);

/// The lifecycle of a relay that gives grants.
const ACTIVE: &str = "active";

/// Why the next relay does not take the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MoveError {
    /// It is the one in use.
    #[error("the account is at this relay already")]
    Same,
    /// A rotation waits, and is published first.
    #[error("a change of the key is under way")]
    KeyFirst,
    /// A move is under way, and has to end first.
    #[error("a move to another relay is under way")]
    UnderWay,
    /// The record names the next relay.
    #[error("the move is published already")]
    Published,
    /// Taken back by the user.
    #[error("the move was cancelled")]
    Cancelled,
    /// The relay asks to wait.
    #[error("the relay asks to wait")]
    Busy,
    /// The relay does not take this account.
    #[error("the relay does not take this account")]
    Closed,
}

impl MoveError {
    /// The code for the user interface.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Same => "relay.same",
            Self::KeyFirst => "relay.key_first",
            Self::UnderWay => "relay.move_under_way",
            Self::Published => "relay.move_published",
            Self::Cancelled => "relay.move_cancelled",
            Self::Busy => "relay.busy",
            Self::Closed => "relay.closed",
        }
    }
}

/// The record names the next relay; nothing has changed here yet.
pub(crate) struct Arrived {
    own: OwnAccount,
    seen: VerifiedAccount,
}

impl SetUp {
    /// Whether the account can move there, as far as can be seen without changing anything; and what
    /// the relay says about itself.
    pub(crate) async fn check_move(&self, to: &Domain) -> Result<EnablerDocument, SetUpError> {
        let own = self.own().await?;
        if own.domain == *to {
            return Err(MoveError::Same.into());
        }
        let (rotating, moving) = self.under_way().await?;
        if rotating {
            return Err(MoveError::KeyFirst.into());
        }
        if moving.is_some_and(|under_way| under_way.published && under_way.domain != *to) {
            return Err(MoveError::UnderWay.into());
        }
        let document = self.relays(&own).check_relay(to).await?;
        match &document.capabilities.grant {
            Some(grant) if grant.lifecycle == ACTIVE => Ok(document),
            _ => Err(MoveError::Closed.into()),
        }
    }

    /// Moves to another relay: it has the account and a key package before the record names it. Where
    /// that fails before anything was published, it is as if nothing had been begun.
    pub(crate) async fn move_to(
        &self,
        to: Domain,
        cancel: &CancellationToken,
    ) -> Result<Arrived, SetUpError> {
        self.check_move(&to).await?;
        let write = self.database.write(move |tx| match own_move::load(tx)? {
            // It goes on, and not anew.
            Some(known) if known.published => Ok(()),
            _ => own_move::store(tx, &to),
        });
        write.await?;
        match self.go_on_moving(cancel).await {
            Ok(Some(arrived)) => Ok(arrived),
            Ok(None) => Err(MoveError::Cancelled.into()),
            Err(error) => {
                self.undo_move().await?;
                Err(error)
            }
        }
    }

    /// Goes on with the move under way, if there is one, until the record was seen to name the next
    /// relay. [`SetUp::moved`] is what is left then.
    pub(crate) async fn go_on_moving(
        &self,
        cancel: &CancellationToken,
    ) -> Result<Option<Arrived>, SetUpError> {
        let (_, Some(to)) = self.under_way().await? else {
            return Ok(None);
        };
        let next = OwnAccount {
            domain: to.domain.clone(),
            ..self.newer_claim().await?
        };
        let record = self.moved_record(&next).await?;
        if !to.published {
            let ahead = self.arrive(&next, &record);
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(MoveError::Cancelled.into()),
                outcome = ahead => outcome?,
            }
            self.database
                .write(|tx| own_move::set_published(tx))
                .await?;
        }
        let seen = self.publish_move(&next, &record).await?;
        Ok(Some(Arrived { own: next, seen }))
    }

    /// Puts the next relay in use here. Nothing may be messaging.
    pub(crate) async fn moved(&self, arrived: Arrived) -> Result<OwnAccount, SetUpError> {
        let (pin, own) = (arrived.seen.pin(), arrived.own.clone());
        let write = self
            .database
            .write(move |tx| relocate::moved(tx, &own, &pin));
        write.await?;
        Ok(arrived.own)
    }

    /// Whether the record, by this account's own key and later than anything that this device has
    /// signed, names another relay: this device was set back to before a move, or another one has
    /// moved. It goes there, too.
    pub(crate) async fn finds_itself_moved(&self) -> Result<bool, SetUpError> {
        let own = self.own().await?;
        let published = self.session.get_delegation().await?;
        let record = published.and_then(|published| published.record);
        let claim = record.and_then(|it| Claim::verify(&it.claim, &own.delegate_key.public()).ok());
        let Some(claim) = claim
            .filter(|it| it.did == own.did && it.domain != own.domain && it.seq > own.claim_seq)
        else {
            return Ok(false);
        };
        let write = self.database.write::<_, crate::db::DbError>(move |tx| {
            if own_move::load(tx)?.is_none() {
                let numbered = OwnAccount {
                    claim_seq: claim.seq,
                    ..own
                };
                own::store(tx, &numbered)?;
                own_move::store(tx, &claim.domain)?;
                own_move::set_published(tx)?;
            }
            Ok(())
        });
        write.await?;
        Ok(true)
    }

    /// Takes the move back, unless it is published. Where that cannot be known, as an answer did not
    /// arrive, the record is written anew as it is: what is still on its way then comes too late.
    pub(crate) async fn cancel_move(&self) -> Result<(), SetUpError> {
        let (_, Some(to)) = self.under_way().await? else {
            return Ok(());
        };
        if to.published {
            let own = self.newer_claim().await?;
            let published = self.session.get_delegation().await?;
            let published = published.ok_or(SetUpError::Gone)?;
            let record = published.record.ok_or(SetUpError::Elsewhere)?;
            if record.key != own.delegate_key.public() {
                return Err(SetUpError::Elsewhere);
            }
            if record.domain == to.domain {
                return Err(MoveError::Published.into());
            }
            let as_it_is = self.moved_record(&own).await?;
            self.publish(Way::Either, &as_it_is, Some(&published.cid), false)
                .await?;
        }
        self.forget_move(&to).await
    }

    /// As if the move had never begun; where it is published, nothing.
    pub(crate) async fn undo_move(&self) -> Result<(), SetUpError> {
        match self.under_way().await? {
            (_, Some(to)) if !to.published => self.forget_move(&to).await,
            _ => Ok(()),
        }
    }

    async fn forget_move(&self, to: &Move) -> Result<(), SetUpError> {
        let own = self.own().await?;
        let relays = self.relays(&own);
        // Not where it was left lately: what comes there is still collected.
        let former = self.database.read(|tx| own_move::former(tx)).await?;
        if !former.iter().any(|it| it.domain == to.domain) {
            let left = tokio::time::timeout(PATIENCE, relays.unregister(&to.domain)).await;
            if !matches!(left, Ok(Ok(()))) {
                tracing::info!("the relay was not told that the account stays away");
            }
        }
        Ok(self.database.write(|tx| own_move::clear(tx)).await?)
    }

    /// The next relay gets to know the account while the record still names the present one.
    async fn arrive(&self, next: &OwnAccount, record: &DelegationRecord) -> Result<(), SetUpError> {
        match delegation::standing(&self.session, Some(next)).await? {
            Standing::Ours { .. } => {}
            Standing::Absent => return Err(SetUpError::Gone),
            Standing::Elsewhere => return Err(SetUpError::Elsewhere),
        }
        let relays = self.relays(next);
        let registered = relays.register_ahead(next, record.claim.clone()).await;
        registered.map_err(refusal)?;
        let published =
            key_packages::last_resort_alone(&self.database, &relays, &next.domain, &*self.clock);
        Ok(published.await?)
    }

    /// The record names the next relay, and is seen to.
    async fn publish_move(
        &self,
        next: &OwnAccount,
        record: &DelegationRecord,
    ) -> Result<VerifiedAccount, SetUpError> {
        let published = self.session.get_delegation().await?;
        let published = published.ok_or(SetUpError::Gone)?;
        let stands = published.record.ok_or(SetUpError::Elsewhere)?;
        if stands.key != next.delegate_key.public() {
            return Err(SetUpError::Elsewhere);
        }
        // It was written before a crash.
        if stands.domain != next.domain {
            self.publish(Way::Either, record, Some(&published.cid), false)
                .await?;
        }
        self.read_back(next).await
    }

    async fn moved_record(&self, own: &OwnAccount) -> Result<DelegationRecord, SetUpError> {
        let read = self.database.read::<_, crate::db::DbError>(|tx| {
            Ok((incoming::policy(tx)?.incoming, pending::succession(tx)?))
        });
        let (policy, chain) = read.await?;
        Ok(publish::record(own, chain, policy, self.clock.now()))
    }

    /// Whether a rotation is, and which move.
    async fn under_way(&self) -> Result<(bool, Option<Move>), SetUpError> {
        let read = self.database.read::<_, crate::db::DbError>(|tx| {
            Ok((pending::load(tx)?.is_some(), own_move::load(tx)?))
        });
        Ok(read.await?)
    }

    /// Nothing else writes the record while it may name one relay or the other.
    pub(super) async fn unless_moving(&self) -> Result<(), SetUpError> {
        match self.under_way().await? {
            (_, Some(_)) => Err(MoveError::UnderWay.into()),
            (_, None) => Ok(()),
        }
    }
}

fn refusal(error: RelayError) -> SetUpError {
    match error {
        RelayError::Full { .. } => MoveError::Busy.into(),
        // The account's server did not answer the relay.
        RelayError::Refused { status: 502, .. } => RelayError::Unreachable.into(),
        RelayError::Refused { status: 403, .. } => MoveError::Closed.into(),
        other => other.into(),
    }
}
