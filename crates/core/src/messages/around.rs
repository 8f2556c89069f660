//! Reading a conversation from anywhere in it: around a message that was found, and on from there.

use super::{Message, history};
use crate::db::{DbError, ReadTx};
use rusqlite::params;
use sotto_wire::conversation::ConversationId;

/// Up to `limit` messages of a conversation around the message `middle`, itself included, oldest
/// first. Where it is gone, around its place.
///
/// # Errors
/// When the database fails.
pub fn around(
    tx: &ReadTx<'_>,
    conversation: &ConversationId,
    middle: i64,
    limit: u32,
) -> Result<Vec<Message>, DbError> {
    let mut ids = ids(
        tx,
        "SELECT m.id FROM conversation c JOIN message m ON m.conversation = c.id
         WHERE c.key = ?1 AND m.kind = 0 AND m.id < ?2 AND m.kind = 0 ORDER BY m.id DESC LIMIT ?3",
        conversation,
        middle,
        limit / 2,
    )?;
    ids.reverse();
    let read = u32::try_from(ids.len()).unwrap_or(limit);
    ids.extend(later(
        tx,
        conversation,
        middle.saturating_sub(1),
        limit.saturating_sub(read),
    )?);
    history::by_ids(tx, &ids)
}

/// Up to `limit` messages of a conversation after the message `after`, oldest first.
///
/// # Errors
/// When the database fails.
pub fn after(
    tx: &ReadTx<'_>,
    conversation: &ConversationId,
    after: i64,
    limit: u32,
) -> Result<Vec<Message>, DbError> {
    let ids = later(tx, conversation, after, limit)?;
    history::by_ids(tx, &ids)
}

fn later(
    tx: &ReadTx<'_>,
    conversation: &ConversationId,
    after: i64,
    limit: u32,
) -> Result<Vec<i64>, DbError> {
    let sql = "SELECT m.id FROM conversation c JOIN message m ON m.conversation = c.id
               WHERE c.key = ?1 AND m.kind = 0 AND m.id > ?2 AND m.kind = 0 ORDER BY m.id LIMIT ?3";
    ids(tx, sql, conversation, after, limit)
}

fn ids(
    tx: &ReadTx<'_>,
    sql: &str,
    conversation: &ConversationId,
    from: i64,
    limit: u32,
) -> Result<Vec<i64>, DbError> {
    let mut statement = tx.prepare_cached(sql)?;
    let found = statement.query_map(params![conversation.as_bytes(), from, limit], |row| {
        row.get(0)
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}
