//! Taking away what a message said, with everything that was said of it.

use crate::db::{Change, DbError, WriteTx, conversations};
use rusqlite::params;

/// What is left to see of an erased message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trace {
    /// That there was one.
    Deleted,
    /// Nothing.
    None,
}

/// Erases a message. Its row stays, so that the same message cannot come back, and so that the
/// number of a frame that brings it is still filled (with nothing).
pub(super) fn erase(
    tx: &WriteTx<'_>,
    conversation: i64,
    message: i64,
    trace: Trace,
) -> Result<(), DbError> {
    let (kind, deleted_at) = match trace {
        Trace::Deleted => (super::Kind::Shown, Some(tx.clock_now_ms())),
        Trace::None => (super::Kind::Gone, None),
    };
    tx.prepare_cached(
        "UPDATE message SET kind = ?2, deleted_at = ?3, text = NULL, content = x'', reply_to = NULL,
           unread = 0, edited_at = NULL, edited_by = NULL, expires_in = NULL, expires_at = NULL
         WHERE id = ?1",
    )?
    .execute(params![message, kind as i64, deleted_at])?;
    for sql in [
        "DELETE FROM edit WHERE message = ?1",
        "UPDATE message SET content = x'' WHERE kind = 1 AND reply_to IS NOT NULL
           AND reply_to = (SELECT mimi_id FROM message WHERE id = ?1)",
        "DELETE FROM reaction WHERE message = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([message])?;
    }
    // One that keeps the number it had is sealed without content.
    tx.prepare_cached(
        "DELETE FROM outbox WHERE conversation = ?1 AND message = ?2 AND seq IS NULL",
    )?
    .execute([conversation, message])?;
    recount(tx, conversation)?;
    announce(tx, conversation, vec![message])
}

/// Counts the unread messages of a conversation.
pub(in crate::messages) fn recount(tx: &WriteTx<'_>, conversation: i64) -> Result<(), DbError> {
    tx.prepare_cached(
        "UPDATE conversation SET unread =
           (SELECT count(*) FROM message WHERE conversation = ?1 AND unread = 1)
         WHERE id = ?1",
    )?
    .execute([conversation])?;
    Ok(())
}

/// These messages are to be read again.
pub(super) fn announce(tx: &WriteTx<'_>, conversation: i64, ids: Vec<i64>) -> Result<(), DbError> {
    let id = conversations::id_of(tx, conversation)?;
    tx.changed(Change::Messages {
        conversation: id,
        ids,
    });
    tx.changed(Change::Conversations(vec![id]));
    Ok(())
}
