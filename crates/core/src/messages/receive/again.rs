//! Envelopes that were kept, tried once more (docs/protocol.md §1.10, §1.12).

use super::{Incoming, Refusal, Source, alone, refuse};
use crate::db::{DbError, OwnAccount, WriteTx, conversations, own, peers};
use crate::inbox::quarantine::{self, Kept};
use crate::messages::EngineError;
use sotto_wire::did::Did;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::frame::digest;

/// What was refused because of the keys that were known of the peer gets another chance, now that
/// its account has been looked at again.
///
/// # Errors
/// [`EngineError`], and then nothing was processed.
pub(crate) fn again(tx: &WriteTx<'_>, conversation: i64) -> Result<(), EngineError> {
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    for code in [quarantine::CERTIFICATE, quarantine::KEY_CHANGED] {
        another_chance(tx, &own, conversation, code)?;
    }
    retry(tx, &own, conversation)?;
    Ok(())
}

/// Frames of this conversation that came before their group's Welcome, or before a commit, get another
/// chance.
pub(super) fn retry(tx: &WriteTx<'_>, own: &OwnAccount, conversation: i64) -> Result<(), DbError> {
    another_chance(tx, own, conversation, quarantine::UNKNOWN_GROUP)?;
    another_chance(tx, own, conversation, quarantine::AHEAD)
}

fn another_chance(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    conversation: i64,
    code: &'static str,
) -> Result<(), DbError> {
    for kept in quarantine::of(tx, conversation, code)? {
        let id = kept.id;
        let Some(envelope) = incoming(tx, conversation, kept)? else {
            quarantine::release(tx, id)?;
            continue;
        };
        match alone(tx, own, &envelope, &mut Vec::new()) {
            Ok(_) => quarantine::release(tx, id)?,
            Err(Refusal::Envelope(code)) => {
                refuse(tx, &envelope, code)?;
            }
            Err(Refusal::Db(error)) if error.is_of_a_value() => {}
            Err(Refusal::Db(error)) => return Err(error),
        }
    }
    Ok(())
}

/// What was kept, as it would be delivered now.
fn incoming(
    tx: &WriteTx<'_>,
    conversation: i64,
    kept: quarantine::Again,
) -> Result<Option<Incoming>, DbError> {
    let source = match kept.address {
        Some(address) => Source::Grant(address),
        None => {
            let peer = conversations::peer_of(tx, conversation)?;
            let sender = peers::get(tx, peer)?.ok_or(DbError::Stored("peer"))?.pin;
            match UnverifiedEnvelope::parse(&kept.bytes) {
                Ok(envelope) => Source::DidMailbox {
                    sender: Box::new(sender),
                    envelope: Box::new(envelope),
                },
                Err(_) => return Ok(None),
            }
        }
    };
    Ok(Some(Incoming {
        relay_id: String::new(),
        source,
        bytes: kept.bytes,
    }))
}

/// Keeps a first contact of a peer whose key has changed until the user has decided.
///
/// # Errors
/// When the database fails.
pub(crate) fn keep_for_later(tx: &WriteTx<'_>, from: &Did, bytes: &[u8]) -> Result<(), DbError> {
    let conversation = match peers::id_of(tx, from)? {
        Some(peer) => conversations::with_peer(tx, peer)?,
        None => None,
    };
    // Without a conversation there is nothing that a decision could be made in.
    let Some(conversation) = conversation else {
        return Ok(());
    };
    quarantine::keep(
        tx,
        &Kept {
            digest: &digest(bytes),
            conversation: Some(conversation),
            address: None,
            code: quarantine::KEY_CHANGED,
            bytes,
        },
    )
}
