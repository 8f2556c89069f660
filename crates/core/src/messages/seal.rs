//! Sealing what waits: the ratchet step and the sealed bytes in one transaction, and from then on
//! only those bytes (docs/protocol.md §3.1–§3.4).

mod frame;
mod healing;
mod recipients;

use super::{EngineError, content, renew};
use crate::db::{OwnAccount, PeerId, WriteTx, conversations, holds, own};
use crate::inbox::{WINDOW, held};
use crate::mls::Session;
use crate::outbox::{self, MAX_OUTSTANDING, Need, Put};
use frame::{Kind, Sealer};
use healing::Health;
use rusqlite::{OptionalExtension, params};
use sotto_wire::conversation::ConversationId;
use sotto_wire::payload::{Ack, MAX_ACKS, Mark};
use std::cell::Cell;

/// A row of the outbox.
struct Waiting {
    /// 0: no message.
    message: i64,
    /// The number to seal it under, where it had one.
    seq: Option<u64>,
    content: Option<Vec<u8>>,
}

/// Seals up to `limit` waiting messages of a conversation and returns the stored puts, due now.
/// Where nothing waits but acknowledgements are due, that is one frame with acknowledgements only.
/// Empty, too, where the group had to be retired (§3.8): the next one is to be made first.
/// Empty where the peer has to answer first (§3.4: at most 16 first-contact envelopes).
///
/// # Errors
/// [`EngineError::Need`] where network work has to be done first; [`EngineError::Db`],
/// [`EngineError::Mls`]. Nothing was changed then.
pub fn next(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    limit: usize,
) -> Result<Vec<Put>, EngineError> {
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let row = conversations::by_id(tx, conversation)?.ok_or(EngineError::UnknownConversation)?;
    // Whatever fails in between must not leave a ratchet behind that has not moved.
    let step = tx.savepoint()?;
    let Some(group) = SendGroup::load(tx, row.row)? else {
        return without_group(tx, &own, conversation, row.row, row.peer);
    };
    let acks = acks(tx, row.row)?;
    let health = Health::load(tx, row.row, &group)?;
    let mut sealer = Sealer::new(tx, &own, *conversation, row.peer, &group, acks, health)?;
    let mut puts = Vec::new();
    let ack_due = sealer.reaches_anyone() && ack_due(tx, row.row)?;
    if sealer.health.is_worn_out() && (ack_due || !waiting(tx, row.row, 1)?.is_empty()) {
        if sealer.uses_mailbox() && sealer.outstanding()? > 0 {
            // Whoever has not answered would get the same first contacts once more.
            return Ok(puts);
        }
        // The next one is made from fresh key packages, and seals what this one did not deliver.
        renew::retire(tx, row.row)?;
        outbox::ask_for_frame(tx, row.row)?;
        step.commit()?;
        return Ok(puts);
    }
    let room = sealer.room(limit)?;
    if room > 0 {
        let waiting = waiting(tx, row.row, room)?;
        if !waiting.is_empty() {
            fill_gaps(tx, row.row, &mut sealer, &mut puts)?;
        }
        for item in waiting {
            seal_one(tx, row.row, &mut sealer, item, &mut puts)?;
        }
    }
    if puts.is_empty() && ack_due {
        puts = sealer.seal(sealer.acks_only())?;
    }
    if !puts.is_empty() {
        sealer.finish()?;
        tx.prepare_cached(
            "UPDATE read_group SET ack_due = 0 WHERE conversation = ?1 AND ack_due = 1",
        )?
        .execute([row.row])?;
    }
    step.commit()?;
    Ok(puts)
}

/// Seals that something is being written, where the peer is to know and can be told at once. The
/// puts are not stored: whoever does not put them at once drops them.
///
/// # Errors
/// [`EngineError::Db`], [`EngineError::Mls`]. Nothing was changed then.
pub fn typing(tx: &WriteTx<'_>, conversation: &ConversationId) -> Result<Vec<Put>, EngineError> {
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let row = conversations::by_id(tx, conversation)?.ok_or(EngineError::UnknownConversation)?;
    let wanted = content::receipts(tx)?.typing
        && holds::of(tx, row.peer)?.is_none()
        && !held::is_pending(tx, row.peer)?;
    let Some(group) = SendGroup::load(tx, row.row)?.filter(|_| wanted) else {
        return Ok(Vec::new());
    };
    // What waits is more than this, and would be overtaken.
    let waits = "SELECT 1 FROM outbox WHERE conversation = ?1
                 UNION ALL SELECT 1 FROM put WHERE send_group = ?2 AND accepted = 0";
    if tx
        .prepare_cached(waits)?
        .exists(params![row.row, group.row])?
    {
        return Ok(Vec::new());
    }
    let step = tx.savepoint()?;
    let acks = acks(tx, row.row)?;
    let health = Health::load(tx, row.row, &group)?;
    let mut sealer = Sealer::new(tx, &own, *conversation, row.peer, &group, acks, health)?;
    // A commit has to arrive, which this need not.
    if !sealer.reaches_anyone() || sealer.health.reopened() || sealer.health.is_worn_out() {
        return Ok(Vec::new());
    }
    let puts = sealer.seal(Kind::Typing)?;
    for put in &puts {
        tx.prepare_cached("DELETE FROM put WHERE id = ?1")?
            .execute([put.id])?;
    }
    sealer.finish()?;
    step.commit()?;
    Ok(puts)
}

fn seal_one(
    tx: &WriteTx<'_>,
    conversation: i64,
    sealer: &mut Sealer<'_, '_>,
    item: Waiting,
    puts: &mut Vec<Put>,
) -> Result<(), EngineError> {
    let message = (item.message != 0).then_some(item.message);
    puts.extend(sealer.seal(Kind::Sequenced {
        seq: item.seq,
        message,
        content: item.content,
    })?);
    tx.prepare_cached("DELETE FROM outbox WHERE conversation = ?1 AND message = ?2")?
        .execute([conversation, item.message])?;
    Ok(())
}

/// Numbers of frames that were given up are sealed once more without content: the peer can
/// acknowledge nothing beyond a gap.
fn fill_gaps(
    tx: &WriteTx<'_>,
    conversation: i64,
    sealer: &mut Sealer<'_, '_>,
    puts: &mut Vec<Put>,
) -> Result<(), EngineError> {
    let mut statement = tx.prepare_cached(
        "SELECT seq FROM frame WHERE send_group = ?1 AND given_up = 1
           AND NOT EXISTS (SELECT 1 FROM outbox WHERE conversation = ?3
                             AND message = frame.message AND outbox.seq IS NOT NULL)
         ORDER BY seq LIMIT ?2",
    )?;
    let gaps = statement
        .query_map(params![sealer.group(), WINDOW, conversation], |row| {
            row.get(0)
        })?
        .collect::<Result<Vec<u64>, _>>()?;
    for seq in gaps {
        puts.extend(sealer.seal(Kind::Sequenced {
            seq: Some(seq),
            message: None,
            content: None,
        })?);
    }
    Ok(())
}

/// The own send group of a conversation.
struct SendGroup {
    row: i64,
    conversation: i64,
    group_id: Vec<u8>,
    welcome: Vec<u8>,
    first_contact_key: [u8; 32],
    next_seq: u64,
    next_put: i64,
    /// Of the last frame.
    mark: Mark,
    session: Option<[u8; 16]>,
    epoch_at: u64,
    sealed: u64,
    last_resort: bool,
}

impl SendGroup {
    fn load(tx: &WriteTx<'_>, conversation: i64) -> Result<Option<Self>, EngineError> {
        let found = tx
            .prepare_cached(
                "SELECT id, group_id, welcome, first_contact_key, next_seq, next_put, mark,
                   session, epoch_at, sealed, last_resort
                 FROM send_group WHERE conversation = ?1",
            )?
            .query_row([conversation], |row| {
                Ok(Self {
                    row: row.get(0)?,
                    conversation,
                    group_id: row.get(1)?,
                    welcome: row.get(2)?,
                    first_contact_key: row.get(3)?,
                    next_seq: row.get(4)?,
                    next_put: row.get(5)?,
                    mark: row.get(6)?,
                    session: row.get(7)?,
                    epoch_at: row.get(8)?,
                    sealed: row.get(9)?,
                    last_resort: row.get(10)?,
                })
            });
        Ok(found.optional()?)
    }
}

fn without_group(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    conversation: &ConversationId,
    row: i64,
    peer: PeerId,
) -> Result<Vec<Put>, EngineError> {
    if waiting(tx, row, 1)?.is_empty() {
        return Ok(Vec::new());
    }
    let peer = crate::db::peers::get(tx, peer)?.ok_or(EngineError::UnknownConversation)?;
    debug_assert_eq!(ConversationId::of(&own.did, &peer.pin.did), *conversation);
    Err(EngineError::Need(Need::FirstContact {
        conversation: *conversation,
        did: peer.pin.did,
    }))
}

fn waiting(tx: &WriteTx<'_>, conversation: i64, limit: usize) -> Result<Vec<Waiting>, EngineError> {
    let mut statement = tx.prepare_cached(
        "SELECT outbox.message, outbox.seq, nullif(message.content, x'')
         FROM outbox LEFT JOIN message ON message.id = outbox.message
         WHERE outbox.conversation = ?1 ORDER BY outbox.message LIMIT ?2",
    )?;
    let waiting = statement
        .query_map(params![conversation, limit], |row| {
            Ok(Waiting {
                message: row.get(0)?,
                seq: row.get(1)?,
                content: row.get(2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(waiting)
}

/// How far the groups of the peer have been read; of more than a payload holds, the latest.
fn acks(tx: &WriteTx<'_>, conversation: i64) -> Result<Vec<Ack>, EngineError> {
    let mut statement = tx.prepare_cached(
        "SELECT group_id, processed, mark FROM
           (SELECT id, group_id, processed, mark FROM read_group
            WHERE conversation = ?1 AND processed > 0 ORDER BY id DESC LIMIT ?2)
         ORDER BY id",
    )?;
    let acks = statement
        .query_map(params![conversation, MAX_ACKS], |row| {
            Ok(Ack {
                group: row.get(0)?,
                seq: row.get(1)?,
                mark: row.get(2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(acks)
}

fn ack_due(tx: &WriteTx<'_>, conversation: i64) -> Result<bool, EngineError> {
    let mut statement =
        tx.prepare_cached("SELECT 1 FROM read_group WHERE conversation = ?1 AND ack_due = 1")?;
    Ok(statement.exists([conversation])?)
}

/// The lowest number that is not acknowledged by every device.
fn first(tx: &WriteTx<'_>, group: i64) -> Result<u64, EngineError> {
    let mut statement =
        tx.prepare_cached("SELECT coalesce(min(acked), 0) FROM send_member WHERE send_group = ?1")?;
    let acked: u64 = statement.query_row([group], |row| row.get(0))?;
    Ok(acked + 1)
}

impl<'t, 'c> Sealer<'t, 'c> {
    /// How many of `limit` frames may be sealed now.
    fn room(&self, limit: usize) -> Result<usize, EngineError> {
        if !self.uses_mailbox() {
            return Ok(limit);
        }
        Ok(limit.min(MAX_OUTSTANDING.saturating_sub(self.outstanding()?)))
    }

    /// First-contact envelopes without answer.
    fn outstanding(&self) -> Result<usize, EngineError> {
        let mut statement = self.tx.prepare_cached(
            "SELECT count(*) FROM put
             WHERE send_group = ?1 AND seq IS NOT NULL AND peer_device IS NULL",
        )?;
        Ok(statement.query_row([self.group()], |row| row.get(0))?)
    }

    fn new(
        tx: &'t WriteTx<'c>,
        own: &'t OwnAccount,
        conversation: ConversationId,
        peer: PeerId,
        group: &'t SendGroup,
        acks: Vec<Ack>,
        health: Health,
    ) -> Result<Self, EngineError> {
        let recipients = recipients::load(tx, group.row)?;
        let session = Session::storing_at_flush(tx);
        let next_seq = group.next_seq;
        Ok(Self {
            tx,
            own,
            conversation,
            peer,
            group,
            recipients,
            acks,
            health,
            session,
            next_seq,
            next_put: Cell::new(group.next_put),
            grants_given: false,
            mark: group.mark,
            lost_named: false,
            first: first(tx, group.row)?,
        })
    }
}
