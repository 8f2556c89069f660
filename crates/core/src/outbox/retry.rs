//! Trying again by hand, and giving up by time.

use super::{MessageState, frames, schedule};
use crate::db::{Change, DbError, WriteTx, conversations};
use rusqlite::{OptionalExtension, params};

/// Tries one of the own messages again: its stored bytes are due now, or, where they are gone, it
/// is sealed anew under the same number. Nothing happens to a message that is delivered. `false`:
/// there is no such message.
pub(crate) fn retry(tx: &WriteTx<'_>, message: i64) -> Result<bool, DbError> {
    let found: Option<(i64, i64)> = tx
        .prepare_cached("SELECT conversation, state FROM message WHERE id = ?1")?
        .query_row([message], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((conversation, state)) = found else {
        return Ok(false);
    };
    match MessageState::from_stored(state) {
        Some(MessageState::Received) | None => return Ok(false),
        Some(MessageState::Delivered | MessageState::Read) => return Ok(true),
        Some(MessageState::Sending | MessageState::Sent | MessageState::Failed) => {}
    }
    let due = tx
        .prepare_cached(
            "UPDATE put SET next_at = ?2, failures = 0
             WHERE (send_group, seq) IN (SELECT send_group, seq FROM frame WHERE message = ?1)",
        )?
        .execute(params![message, tx.clock_now_ms()])?;
    if due == 0 {
        seal_anew(tx, conversation, message)?;
    }
    tx.prepare_cached("UPDATE message SET state = ?2, error = NULL WHERE id = ?1 AND state = ?3")?
        .execute(params![
            message,
            MessageState::Sending as i64,
            MessageState::Failed as i64
        ])?;
    let conversation = conversations::id_of(tx, conversation)?;
    tx.changed(Change::Messages {
        conversation,
        ids: vec![message],
    });
    tx.changed(Change::Conversations(vec![conversation]));
    tx.changed(Change::Outbox);
    Ok(true)
}

/// Under the number it had, so that it leaves no gap; under a new one where that has been filled.
fn seal_anew(tx: &WriteTx<'_>, conversation: i64, message: i64) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO outbox (conversation, message, seq)
         VALUES (?1, ?2, (SELECT seq FROM frame WHERE message = ?2))
         ON CONFLICT DO NOTHING",
    )?
    .execute([conversation, message])?;
    tx.prepare_cached("UPDATE message SET resealed = 1 WHERE id = ?1")?
        .execute([message])?;
    Ok(())
}

/// Gives up what has not been acknowledged for 30 days (docs/protocol.md §3.3).
pub(crate) fn expire(tx: &WriteTx<'_>) -> Result<(), DbError> {
    let before = tx.clock_now_ms().saturating_sub(schedule::EXPIRY);
    let mut statement = tx.prepare_cached(
        "SELECT send_group, seq FROM frame WHERE sealed_at <= ?1 AND given_up = 0",
    )?;
    let expired = statement
        .query_map([before], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, u64)>, _>>()?;
    for (group, seq) in expired {
        frames::give_up(tx, group, seq, "message.expired")?;
    }
    Ok(())
}
