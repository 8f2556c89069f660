//! Message requests: first contacts that the policy does not let straight in (docs/protocol.md
//! §3.5). They are held as they came, until the user has decided; nothing that its sender could
//! notice happens before that.

mod decided;

pub use decided::{accept, decline, list};
pub(super) use decided::{answered, expire};

use super::EngineError;
use super::receive::{self, Glimpse, Incoming, Outcome, Refusal, Source};
use crate::db::{Change, DbError, OwnAccount, Peer, ReadTx, WriteTx};
use crate::db::{conversations, incoming, own, peers};
use crate::inbox::held;
use decided::close_gaps;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use sotto_wire::claim;
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::frame;

/// Something that has arrived, with what is known of its sender.
#[derive(Debug)]
pub struct Arrival {
    /// What has arrived.
    pub incoming: Incoming,
    /// Whether the own account was proved to follow the sender.
    pub followed: bool,
}

/// A sender who waits for the user's word.
#[derive(Debug, Clone)]
pub struct Request {
    /// The conversation that there will be.
    pub id: ConversationId,
    /// Who it is, verified.
    pub peer: Peer,
    /// What the messages say and when they arrived (milliseconds since 1970), oldest first; no
    /// text where this version does not support the content.
    pub messages: Vec<(Option<String>, u64)>,
    /// When the first of them arrived, milliseconds since 1970.
    pub since: u64,
}

/// What is done with a sender in the relay's pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Let in: what waits and what comes later.
    Provision,
    /// What waits is fetched; the sender stays unknown.
    Release,
    /// What waits goes.
    Discard,
}

/// How this device stands to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is a conversation: begun here, let in, or accepted.
    Acquainted,
    /// It waits for the user's word; `full`: and nothing more of it is kept.
    Pending {
        /// Nothing more of it is kept.
        full: bool,
    },
    /// Neither.
    Stranger,
}

/// How this device stands to an account.
///
/// # Errors
/// When the database fails.
pub fn standing(connection: &Connection, did: &Did) -> Result<Standing, DbError> {
    let Some(peer) = peers::id_of(connection, did)? else {
        return Ok(Standing::Stranger);
    };
    // What waits comes first: the user may have opened a conversation without writing yet.
    if held::is_pending(connection, peer)? {
        let full = held::is_full(connection, peer)?;
        return Ok(Standing::Pending { full });
    }
    match conversations::with_peer(connection, peer)? {
        Some(_) => Ok(Standing::Acquainted),
        None => Ok(Standing::Stranger),
    }
}

/// What to do with a sender in the relay's pool. Whether the own account follows a stranger is not
/// known yet: that is found out once its envelopes are here.
///
/// # Errors
/// When the database fails.
pub fn verdict(tx: &ReadTx<'_>, did: &Did) -> Result<Verdict, DbError> {
    let policy = incoming::policy(tx)?.incoming;
    Ok(match standing(tx, did)? {
        Standing::Acquainted => Verdict::Provision,
        Standing::Pending { full: true } => Verdict::Discard,
        Standing::Stranger if policy == claim::Incoming::Everyone => Verdict::Provision,
        Standing::Pending { full: false } | Standing::Stranger => Verdict::Release,
    })
}

/// Processes a batch: what is let in as [`receive::batch`] does, with what became of it; the rest
/// becomes requests.
///
/// # Errors
/// [`EngineError::NoAccount`]; [`EngineError::Db`], and then nothing was processed.
pub fn arrive(
    tx: &WriteTx<'_>,
    arrivals: Vec<Arrival>,
) -> Result<Vec<(Incoming, Outcome)>, EngineError> {
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let policy = incoming::policy(tx)?.incoming;
    let (mut let_in, mut requests) = (Vec::new(), Vec::new());
    let mut first_contact = false;
    for Arrival { incoming, followed } in arrivals {
        let straight = match &incoming.source {
            Source::Grant(_) => true,
            Source::DidMailbox { sender, .. } => {
                first_contact = true;
                is_let_in(tx, policy, &sender.did, followed)?
            }
        };
        if straight {
            let_in.push(incoming);
        } else {
            requests.push(incoming);
        }
    }
    let outcomes = receive::batch(tx, &let_in)?;
    if first_contact {
        close_gaps(tx)?;
    }
    for request in &requests {
        hold(tx, &own, request)?;
    }
    Ok(let_in.into_iter().zip(outcomes).collect())
}

fn is_let_in(
    tx: &WriteTx<'_>,
    policy: claim::Incoming,
    sender: &Did,
    followed: bool,
) -> Result<bool, DbError> {
    Ok(match standing(tx, sender)? {
        Standing::Acquainted => true,
        Standing::Pending { .. } => false,
        Standing::Stranger => match policy {
            claim::Incoming::Everyone => true,
            claim::Incoming::Following => followed,
            claim::Incoming::None => false,
        },
    })
}

/// Holds an envelope, if it is one that could be read; one that could not is quarantined.
fn hold(tx: &WriteTx<'_>, own: &OwnAccount, incoming: &Incoming) -> Result<(), DbError> {
    let Source::DidMailbox { sender, envelope } = &incoming.source else {
        return Ok(());
    };
    let digest = frame::digest(&incoming.bytes);
    if held::contains(tx, &digest)? {
        return Ok(());
    }
    let Some((welcome_digest, glimpse)) = look(tx, own, incoming, envelope)? else {
        return Ok(());
    };
    if held::is_known(tx, &welcome_digest, glimpse.seq)? {
        return Ok(());
    }
    let peer = peers::pin(tx, sender, tx.clock_now_ms())?;
    if held::is_full(tx, peer)? {
        return Ok(());
    }
    held::insert(
        tx,
        &held::Held {
            peer,
            digest: &digest,
            bytes: &incoming.bytes,
            welcome_digest: &welcome_digest,
            seq: glimpse.seq,
            brings_message: glimpse.brings_message,
            text: glimpse.text.as_deref(),
        },
    )?;
    while let Some(oldest) = held::one_too_many(tx)? {
        tracing::warn!("there are too many message requests: the oldest is dropped");
        held::turn_away(tx, oldest)?;
        incoming::count_dropped(tx)?;
    }
    tx.changed(Change::Requests);
    Ok(())
}

fn look(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    incoming: &Incoming,
    envelope: &UnverifiedEnvelope,
) -> Result<Option<([u8; 32], Glimpse)>, DbError> {
    let digest = Sha256::digest(envelope.welcome()).into();
    match receive::glimpse(tx, own, incoming, &digest) {
        Ok(glimpse) => Ok(glimpse.map(|glimpse| (digest, glimpse))),
        Err(Refusal::Envelope(code)) => receive::set_aside(tx, incoming, code).map(|_| None),
        Err(Refusal::Db(error)) if error.is_of_a_value() => {
            receive::set_aside(tx, incoming, "envelope.internal").map(|_| None)
        }
        Err(Refusal::Db(error)) => Err(error),
    }
}
