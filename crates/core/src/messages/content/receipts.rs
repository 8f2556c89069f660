//! That messages were read, here and at the peer's.

use super::erase::{announce, recount};
use super::write;
use crate::db::{DbError, WriteTx, conversations, own};
use crate::inbox::held;
use crate::messages::ComposeError;
use rusqlite::{Connection, params};
use sotto_wire::content::{Body, Content, MAX_STATUSES, MessageId, STATUS_READ};
use sotto_wire::conversation::ConversationId;

/// What peers are told of this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipts {
    /// That their messages were read.
    pub read: bool,
    /// That something is being written to them.
    pub typing: bool,
}

/// What peers are told.
///
/// # Errors
/// When the database fails.
pub fn receipts(connection: &Connection) -> Result<Receipts, DbError> {
    let mut statement = connection.prepare_cached("SELECT read, typing FROM receipts")?;
    Ok(statement.query_row([], |row| {
        Ok(Receipts {
            read: row.get(0)?,
            typing: row.get(1)?,
        })
    })?)
}

/// Chooses what peers are told.
///
/// # Errors
/// When the database fails.
pub fn set_receipts(tx: &WriteTx<'_>, receipts: Receipts) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE receipts SET read = ?1, typing = ?2")?
        .execute(params![receipts.read, receipts.typing])?;
    Ok(())
}

/// Everything in this conversation has been seen: the time of messages that disappear begins, and
/// the peer is told, where that is wanted.
///
/// # Errors
/// When the database fails.
pub(in crate::messages) fn mark_read(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
) -> Result<(), ComposeError> {
    let Some(row) = conversations::by_id(tx, conversation)? else {
        return Ok(());
    };
    let read = newly_read(tx, row.row)?;
    if read.is_empty() {
        return Ok(());
    }
    recount(tx, row.row)?;
    let disappearing = read.iter().filter(|(_, _, timed)| *timed);
    announce(tx, row.row, disappearing.map(|(id, ..)| *id).collect())?;
    if !receipts(tx)?.read || held::is_pending(tx, row.peer)? {
        return Ok(());
    }
    let own = own::current(tx)?.ok_or(ComposeError::NoAccount)?;
    for some in read.chunks(MAX_STATUSES) {
        let statuses = some.iter().map(|(_, id, _)| (*id, STATUS_READ)).collect();
        let report = Content::new(Body::Status(statuses), tx.random());
        write::event(tx, &own, conversation, row.row, &report, None)?;
    }
    Ok(())
}

/// Message, its MIMI id, and whether it disappears.
type Read = (i64, MessageId, bool);

fn newly_read(tx: &WriteTx<'_>, conversation: i64) -> Result<Vec<Read>, DbError> {
    let mut statement = tx.prepare_cached(
        "UPDATE message SET unread = 0, expires_at = coalesce(expires_at, ?2 + expires_in * 1000)
         WHERE conversation = ?1 AND unread = 1
         RETURNING id, mimi_id, expires_at IS NOT NULL",
    )?;
    let mut read = statement
        .query_map(params![conversation, tx.clock_now_ms()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?
        .collect::<Result<Vec<Read>, _>>()?;
    read.sort_unstable();
    Ok(read)
}
