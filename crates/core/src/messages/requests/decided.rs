//! Who waits, and what becomes of them.

use super::Request;
use crate::db::{Change, DbError, OwnAccount, PeerId, ReadTx, WriteTx};
use crate::db::{conversations, incoming, own, peers};
use crate::inbox::{Reader, held};
use crate::messages::receive::{self, Incoming, Source};
use crate::messages::{EngineError, start};
use sotto_identity::verify::Pin;
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;
use sotto_wire::first_contact::UnverifiedEnvelope;

const DAY: u64 = 24 * 60 * 60 * 1000;
/// After so long a message has failed at its sender (docs/protocol.md §3.3), in milliseconds.
const KEPT: u64 = 30 * DAY;
/// As long as the relay drops repeated envelopes (§4.7), in milliseconds.
const REMEMBERED: u64 = 40 * DAY;

/// Everyone who waits, the latest first.
///
/// # Errors
/// When the database fails.
pub fn list(tx: &ReadTx<'_>) -> Result<Vec<Request>, DbError> {
    let Some(own) = own::load(tx)? else {
        return Ok(Vec::new());
    };
    let mut requests = Vec::new();
    for id in held::senders(tx)? {
        let peer = peers::get(tx, id)?.ok_or(DbError::Stored("peer"))?;
        requests.push(Request {
            id: ConversationId::of(&own.did, &peer.pin.did),
            messages: held::messages(tx, id)?,
            since: held::since(tx, id)?,
            peer,
        });
    }
    requests.reverse();
    Ok(requests)
}

/// Lets a sender in: what was held is received as if it had just come, and answered. Returns the
/// sender; `None` where nobody waits in this conversation.
///
/// # Errors
/// [`EngineError::NoAccount`], [`EngineError::Db`]; nothing has changed then.
pub fn accept(tx: &WriteTx<'_>, conversation: &ConversationId) -> Result<Option<Did>, EngineError> {
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let Some((peer, pin)) = find(tx, &own, conversation)? else {
        return Ok(None);
    };
    accept_from(tx, &own, peer, &pin)?;
    Ok(Some(pin.did))
}

/// As [`accept`], for a peer to whom the user writes.
pub(in crate::messages) fn answered(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    peer: PeerId,
) -> Result<(), EngineError> {
    if held::is_pending(tx, peer)? {
        let known = peers::get(tx, peer)?.ok_or(DbError::Stored("peer"))?;
        accept_from(tx, own, peer, &known.pin)?;
    }
    Ok(())
}

fn accept_from(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    peer: PeerId,
    pin: &Pin,
) -> Result<(), EngineError> {
    let mut accepted = Vec::new();
    for bytes in held::of(tx, peer)? {
        let envelope =
            UnverifiedEnvelope::parse(&bytes).map_err(|_| DbError::Stored("envelope"))?;
        let source = Source::DidMailbox {
            sender: Box::new(pin.clone()),
            envelope: Box::new(envelope),
        };
        accepted.push(Incoming {
            relay_id: String::new(),
            source,
            bytes,
        });
    }
    held::remove(tx, peer)?;
    // Also where nothing of it can be read any more: the user has let this account in.
    start::with(tx, &own.did, peer, &pin.did)?;
    receive::batch(tx, &accepted)?;
    close_gaps(tx)?;
    settled(tx)
}

/// Turns a sender away, who does not notice. Returns the sender; `None` where nobody waits in this
/// conversation.
///
/// # Errors
/// As [`accept`].
pub fn decline(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
) -> Result<Option<Did>, EngineError> {
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let Some((peer, pin)) = find(tx, &own, conversation)? else {
        return Ok(None);
    };
    // One that was only opened is no reason to let the next message in.
    if conversations::remove_empty(tx, peer)? {
        tx.changed(Change::Conversations(vec![*conversation]));
    }
    held::turn_away(tx, peer)?;
    settled(tx)?;
    Ok(Some(pin.did))
}

fn settled(tx: &WriteTx<'_>) -> Result<(), EngineError> {
    if held::senders(tx)?.is_empty() {
        incoming::forget_dropped(tx)?;
    }
    tx.changed(Change::Requests);
    Ok(())
}

fn find(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    conversation: &ConversationId,
) -> Result<Option<(PeerId, Pin)>, DbError> {
    for id in held::senders(tx)? {
        let pin = peers::get(tx, id)?.ok_or(DbError::Stored("peer"))?.pin;
        if ConversationId::of(&own.did, &pin.did) == *conversation {
            return Ok(Some((id, pin)));
        }
    }
    Ok(None)
}

/// Frames that were turned away count as processed once their group is read: their sender could
/// otherwise never be told that a later one has arrived (§3.3). The first of them may have brought
/// what answering needs; a frame that waits has it fetched.
pub(super) fn close_gaps(tx: &WriteTx<'_>) -> Result<(), DbError> {
    for (welcome, seq) in held::take_declined(tx)? {
        let Some(mut reader) = Reader::by_welcome(tx, &welcome)? else {
            continue;
        };
        if !reader.has(seq) {
            reader.accept(tx, seq, None, None)?;
            reader.flush(tx)?;
        }
        tx.prepare_cached(
            "INSERT INTO outbox (conversation, message)
             SELECT ?1, 0 WHERE NOT EXISTS (SELECT 1 FROM send_group WHERE conversation = ?1)
             ON CONFLICT DO NOTHING",
        )?
        .execute([reader.conversation])?;
        tx.changed(Change::Outbox);
    }
    Ok(())
}

/// Forgets requests whose messages have failed at their senders, and what nobody repeats any more.
pub(in crate::messages) fn expire(tx: &WriteTx<'_>) -> Result<(), EngineError> {
    let now = tx.clock_now_ms();
    for peer in held::older_than(tx, now.saturating_sub(KEPT))? {
        held::turn_away(tx, peer)?;
        settled(tx)?;
    }
    held::forget(tx, now.saturating_sub(REMEMBERED))?;
    Ok(())
}
