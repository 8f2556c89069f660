//! Send groups of the peer that cannot be read: named to the peer, and asked for again if that
//! changes nothing.

use super::{DAY, HOUR, renewal};
use crate::db::{Change, DbError, WriteTx};
use crate::messages::EngineError;
use crate::messages::notice::{self, Notice};
use crate::outbox;
use rusqlite::{Connection, named_params, params};
use sha2::{Digest as _, Sha256};
use sotto_wire::payload::{Lost, MAX_ITEMS};

/// How often a group is named.
const TIMES: u64 = 3;

/// Notes a group that cannot be read; it is named in the next frame, or when the last request is an
/// hour old. `true`: it was not known to be lost.
pub(super) fn owe(
    tx: &WriteTx<'_>,
    conversation: i64,
    device: Option<i64>,
    lost: &Lost,
) -> Result<bool, EngineError> {
    let now = tx.clock_now_ms();
    let (known, asked): (u64, Option<u64>) = tx
        .prepare_cached("SELECT count(*), max(asked_at) FROM lost_group WHERE conversation = ?1")?
        .query_row([conversation], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if known >= MAX_ITEMS as u64 {
        return Ok(false);
    }
    let due = asked.is_none_or(|at| at + HOUR <= now || at > now);
    let added = tx
        .prepare_cached(
            "INSERT INTO lost_group (conversation, name, peer_device, due, since)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?
        .execute(params![conversation, name(lost), device, due, now])?;
    if added == 1 && due {
        outbox::ask_for_frame(tx, conversation)?;
        tx.changed(Change::Outbox);
    }
    Ok(added == 1)
}

fn name(lost: &Lost) -> &[u8] {
    match lost {
        Lost::Group(id) => id,
        Lost::Welcome(digest) => digest,
    }
}

fn parse(name: &[u8]) -> Result<Lost, DbError> {
    let group = name.try_into().map(Lost::Group);
    group
        .or_else(|_| name.try_into().map(Lost::Welcome))
        .map_err(|_| DbError::Stored("lost group"))
}

/// What the frame that is sealed now has to name.
pub(in crate::messages) fn take(
    tx: &WriteTx<'_>,
    conversation: i64,
) -> Result<Vec<Lost>, EngineError> {
    let names = tx
        .prepare_cached(
            "UPDATE lost_group SET due = 0, times = times + 1, asked_at = ?2
             WHERE conversation = ?1 AND due = 1 RETURNING name",
        )?
        .query_map(params![conversation, tx.clock_now_ms()], |row| row.get(0))?
        .collect::<Result<Vec<Vec<u8>>, _>>()?;
    let mut lost = names
        .iter()
        .map(|name| parse(name))
        .collect::<Result<Vec<_>, _>>()?;
    lost.sort();
    Ok(lost)
}

/// The frame that named them may never be read, as its group is no more.
pub(in crate::messages) fn repeat(tx: &WriteTx<'_>, conversation: i64) -> Result<(), DbError> {
    tx.prepare_cached(
        "UPDATE lost_group SET due = 1 WHERE conversation = ?1 AND times BETWEEN 1 AND ?2",
    )?
    .execute(params![conversation, TIMES])?;
    Ok(())
}

/// A device's next group is read: whatever was lost of it before is on its way.
pub(in crate::messages) fn joined(
    tx: &WriteTx<'_>,
    conversation: i64,
    device: i64,
) -> Result<(), DbError> {
    tx.prepare_cached(
        "DELETE FROM lost_group
         WHERE conversation = ?1 AND (peer_device = ?2 OR peer_device IS NULL)",
    )?
    .execute([conversation, device])?;
    Ok(())
}

/// The peer names groups that it cannot read: is the own send group among them, it is begun anew.
pub(in crate::messages) fn asked(
    tx: &WriteTx<'_>,
    conversation: i64,
    lost: &[Lost],
) -> Result<(), EngineError> {
    let mut statement =
        tx.prepare_cached("SELECT group_id, welcome FROM send_group WHERE conversation = ?1")?;
    let own = statement
        .query_map([conversation], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(Vec<u8>, Vec<u8>)>, _>>()?;
    let Some((group_id, welcome)) = own.first() else {
        return Ok(());
    };
    let is_own = |lost: &Lost| match lost {
        Lost::Group(id) => id[..] == group_id[..],
        Lost::Welcome(digest) => digest[..] == Sha256::digest(welcome)[..],
    };
    if lost.iter().any(is_own) && renewal::begin_anew(tx, conversation)? {
        tracing::info!("the peer cannot read a send group");
        notice::put(tx, conversation, Notice::RepairedByPeer)?;
        tx.changed(Change::Outbox);
    }
    Ok(())
}

/// Named never, and nothing else was within the hour; named once, an hour ago; named twice, a day
/// ago.
const AGAIN: &str = "SELECT conversation, name, times FROM lost_group l
     WHERE due = 0
       AND (times = 0 AND NOT EXISTS (SELECT 1 FROM lost_group o
                                      WHERE o.conversation = l.conversation
                                        AND o.asked_at > :hour AND o.asked_at <= :now)
            OR times = 1 AND asked_at <= :hour
            OR times = 2 AND asked_at <= :day)";

pub(super) fn is_due(connection: &Connection, now: u64) -> Result<bool, DbError> {
    Ok(connection.prepare_cached(AGAIN)?.exists(named_params! {
        ":now": now, ":hour": now.saturating_sub(HOUR), ":day": now.saturating_sub(DAY),
    })?)
}

/// Asks once more. Where nothing of the own group was acknowledged meanwhile, that may be what the
/// peer cannot read: the request goes in the next one.
pub(super) fn again(tx: &WriteTx<'_>) -> Result<(), EngineError> {
    let now = tx.clock_now_ms();
    let mut statement = tx.prepare_cached(AGAIN)?;
    let due = statement
        .query_map(
            named_params! {
                ":now": now, ":hour": now.saturating_sub(HOUR), ":day": now.saturating_sub(DAY),
            },
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?
        .collect::<Result<Vec<(i64, Vec<u8>, u64)>, _>>()?;
    for (conversation, name, times) in due {
        tx.prepare_cached("UPDATE lost_group SET due = 1 WHERE conversation = ?1 AND name = ?2")?
            .execute(params![conversation, name])?;
        if times > 0 && waits_for_an_answer(tx, conversation)? {
            renewal::begin_anew(tx, conversation)?;
        }
        outbox::ask_for_frame(tx, conversation)?;
        tx.changed(Change::Outbox);
    }
    Ok(())
}

fn waits_for_an_answer(tx: &WriteTx<'_>, conversation: i64) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM frame JOIN send_group ON send_group.id = frame.send_group
         WHERE conversation = ?1",
    )?;
    Ok(statement.exists([conversation])?)
}
