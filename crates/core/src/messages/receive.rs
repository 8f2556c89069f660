//! Receiving: one transaction per batch, one poison envelope never spoils the others
//! (docs/protocol.md §3, §4.5, §4.6).
//!
//! A batch is tried in one go first: its groups are loaded once and stored once. What is refused
//! before anything was touched is quarantined on the way. When something is refused later than
//! that, the whole attempt is undone and every envelope gets a savepoint of its own.

mod again;
mod commits;
mod first_contact;
mod frame;
mod glimpse;
mod pass;
mod payload;
mod store;

pub(super) use glimpse::{Glimpse, glimpse};

use super::{EngineError, repair};
use crate::db::{DbError, OwnAccount, WriteTx, conversations, own, peers};
use crate::inbox::quarantine::{self, Kept};
use again::retry;
pub(crate) use again::{again, keep_for_later};
use pass::Pass;
use sotto_identity::verify::Pin;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::frame::{MAX_SEALED, digest};
use sotto_wire::grant::Address;

/// One delivery of the own relay.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The relay's id of it; not used here.
    pub relay_id: String,
    /// How it came.
    pub source: Source,
    /// What the relay delivered: a sealed frame, or a first-contact envelope.
    pub bytes: Vec<u8>,
}

/// How a delivery came.
#[derive(Debug, Clone)]
pub enum Source {
    /// By one of the own grants.
    Grant(Address),
    /// By the DID mailbox.
    DidMailbox {
        /// The sender's account, verified before the transaction.
        sender: Box<Pin>,
        /// The envelope, parsed from `bytes`.
        envelope: Box<UnverifiedEnvelope>,
    },
}

/// What became of a delivery. Whichever it is, the delivery is dealt with: acknowledge it to the
/// relay once the transaction is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A new message, with its id.
    Message(i64),
    /// Acknowledgements, grants, a Welcome, or content that says something of other messages.
    Control,
    /// The peer is writing something at this moment.
    Typing,
    /// It was processed before; it will be acknowledged to the sender again.
    Duplicate,
    /// It could not be processed, and is kept (unless it is too large to be), with the reason.
    Quarantined(&'static str),
}

/// Why an envelope was refused.
pub(super) enum Refusal {
    /// The envelope's own fault.
    Envelope(&'static str),
    /// Nothing is known about the envelope: the database failed.
    Db(DbError),
}

/// Processes a batch, in order. An envelope that cannot be processed is quarantined and does not
/// fail the batch.
///
/// # Errors
/// [`EngineError::NoAccount`]; [`EngineError::Db`], and then nothing was processed.
pub fn batch(tx: &WriteTx<'_>, incoming: &[Incoming]) -> Result<Vec<Outcome>, EngineError> {
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let mut progressed = Vec::new();
    let together = match incoming.len() {
        0 | 1 => None,
        _ => in_one_go(tx, &own, incoming, &mut progressed)?,
    };
    let outcomes = match together {
        Some(outcomes) => outcomes,
        None => {
            progressed.clear();
            one_by_one(tx, &own, incoming, &mut progressed)?
        }
    };
    for conversation in progressed {
        retry(tx, &own, conversation)?;
    }
    Ok(outcomes)
}

/// `None`: something was refused too late to leave it out; nothing has happened.
fn in_one_go(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    incoming: &[Incoming],
    progressed: &mut Vec<i64>,
) -> Result<Option<Vec<Outcome>>, DbError> {
    let step = tx.savepoint()?;
    let mut pass = Pass::storing_at_the_end(tx, own);
    let mut outcomes = Vec::with_capacity(incoming.len());
    for envelope in incoming {
        match pass.receive(envelope) {
            Ok(outcome) => outcomes.push(outcome),
            Err(Refusal::Db(error)) if !error.is_of_a_value() => return Err(error),
            Err(Refusal::Envelope(code)) if !pass.touched() => {
                outcomes.push(refuse(tx, envelope, code)?);
                pass.forget_place();
            }
            Err(_) => return Ok(None),
        }
    }
    match pass.finish() {
        Ok(conversations) => progressed.extend(conversations),
        Err(Refusal::Db(error)) if !error.is_of_a_value() => return Err(error),
        Err(_) => return Ok(None),
    }
    step.commit()?;
    Ok(Some(outcomes))
}

fn one_by_one(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    incoming: &[Incoming],
    progressed: &mut Vec<i64>,
) -> Result<Vec<Outcome>, DbError> {
    incoming
        .iter()
        .map(|envelope| match alone(tx, own, envelope, progressed) {
            Ok(outcome) => Ok(outcome),
            Err(Refusal::Envelope(code)) => refuse(tx, envelope, code),
            // SQLite refused a value: what was to be stored is at fault, not the database.
            Err(Refusal::Db(error)) if error.is_of_a_value() => {
                refuse(tx, envelope, "envelope.internal")
            }
            Err(Refusal::Db(error)) => Err(error),
        })
        .collect()
}

/// One envelope in a savepoint of its own.
fn alone(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    envelope: &Incoming,
    progressed: &mut Vec<i64>,
) -> Result<Outcome, Refusal> {
    let step = tx.savepoint()?;
    let mut pass = Pass::storing_each_time(tx, own);
    let outcome = pass.receive(envelope)?;
    progressed.extend(pass.finish()?);
    step.commit()?;
    Ok(outcome)
}

/// Quarantines an envelope of somebody who is let in, and does what follows from it (docs/protocol.md
/// §3.7).
fn refuse(tx: &WriteTx<'_>, envelope: &Incoming, code: &'static str) -> Result<Outcome, DbError> {
    let outcome = set_aside(tx, envelope, code)?;
    let step = tx.savepoint()?;
    match repair::unread(tx, envelope, code) {
        Ok(()) => step.commit().map(|()| outcome),
        Err(EngineError::Db(error)) if !error.is_of_a_value() => Err(error),
        Err(error) => {
            tracing::error!(code = error.code(), "a repair could not be begun");
            Ok(outcome)
        }
    }
}

/// Quarantines an envelope.
pub(super) fn set_aside(
    tx: &WriteTx<'_>,
    envelope: &Incoming,
    code: &'static str,
) -> Result<Outcome, DbError> {
    tracing::warn!(code, "envelope quarantined");
    let (address, conversation, limit) = match &envelope.source {
        Source::Grant(address) => (
            Some(address),
            // The grant's own row may be what does not decode.
            match frame::conversation_of(tx, address) {
                Err(error) if error.is_of_a_value() => None,
                found => found?,
            },
            MAX_SEALED,
        ),
        Source::DidMailbox { sender, .. } => {
            let peer = peers::id_of(tx, &sender.did)?;
            let conversation = peer.map(|peer| conversations::with_peer(tx, peer));
            let limit = sotto_wire::first_contact::MAX_ENVELOPE;
            (None, conversation.transpose()?.flatten(), limit)
        }
    };
    if envelope.bytes.len() <= limit {
        let digest = &digest(&envelope.bytes);
        let bytes = &envelope.bytes;
        quarantine::keep(
            tx,
            &Kept {
                digest,
                conversation,
                address,
                code,
                bytes,
            },
        )?;
    }
    Ok(Outcome::Quarantined(code))
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<crate::mls::MlsError> for Refusal {
    fn from(error: crate::mls::MlsError) -> Self {
        match error {
            crate::mls::MlsError::Db(error) => Self::Db(error),
            other => Self::Envelope(other.code()),
        }
    }
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Db(error) => Self::Db(error),
            EngineError::Mls(error) => Self::from(error),
            other => Self::Envelope(other.code()),
        }
    }
}
