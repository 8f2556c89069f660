//! What is being written: kept until it is sent. It moves no conversation in the list.

use super::ComposeError;
use crate::db::{Change, DbError, WriteTx, conversations};
use rusqlite::{Connection, OptionalExtension, params};
use sotto_wire::content::MAX_TEXT;
use sotto_wire::conversation::ConversationId;

/// Keeps what is being written in a conversation, in place of what was kept before; nothing but
/// spaces is nothing.
///
/// # Errors
/// [`ComposeError::TooLong`], [`ComposeError::UnknownConversation`], or the database's.
pub fn save(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    text: &str,
) -> Result<(), ComposeError> {
    if text.len() > MAX_TEXT {
        return Err(ComposeError::TooLong);
    }
    let row = conversations::by_id(tx, conversation)?.ok_or(ComposeError::UnknownConversation)?;
    if text.trim().is_empty() {
        clear(tx, row.row)?;
    } else {
        tx.prepare_cached(
            "INSERT INTO draft (conversation, text, at) VALUES (?1, ?2, ?3)
             ON CONFLICT (conversation) DO UPDATE SET text = excluded.text, at = excluded.at",
        )
        .and_then(|mut it| it.execute(params![row.row, text, tx.clock_now_ms()]))
        .map_err(DbError::from)?;
    }
    tx.changed(Change::Conversations(vec![*conversation]));
    Ok(())
}

/// What was being written has been sent.
pub(super) fn clear(tx: &WriteTx<'_>, conversation: i64) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM draft WHERE conversation = ?1")?
        .execute([conversation])?;
    Ok(())
}

/// What is being written in a conversation.
pub(super) fn of(
    connection: &Connection,
    conversation: &ConversationId,
) -> Result<Option<String>, DbError> {
    let sql = "SELECT d.text FROM conversation c JOIN draft d ON d.conversation = c.id
               WHERE c.key = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([conversation.as_bytes()], |row| row.get(0));
    Ok(found.optional()?)
}
