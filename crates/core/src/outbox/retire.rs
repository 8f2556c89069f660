//! The end of an own send group: its devices are not those of the peer's account any more.

use super::MessageState;
use crate::db::{Change, DbError, WriteTx, conversations};
use rusqlite::{OptionalExtension, params};

/// Takes the own send group of a conversation out of use and has every message that it did not get
/// through sealed anew, for the group that comes next (docs/protocol.md §3.6). Gives the MLS group
/// id, whose secrets are to be forgotten; nothing where there is no group.
///
/// # Errors
/// When the database fails.
pub(crate) fn retire(tx: &WriteTx<'_>, conversation: i64) -> Result<Option<Vec<u8>>, DbError> {
    let found: Option<(i64, Vec<u8>)> = tx
        .prepare_cached("SELECT id, group_id FROM send_group WHERE conversation = ?1")?
        .query_row([conversation], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((group, group_id)) = found else {
        return Ok(None);
    };
    // Numbers are those of the group; the next one counts anew.
    tx.execute(
        "UPDATE outbox SET seq = NULL WHERE conversation = ?1",
        [conversation],
    )?;
    tx.execute(
        "INSERT INTO outbox (conversation, message)
         SELECT ?1, message FROM frame
         WHERE send_group = ?2 AND given_up = 0 AND message IS NOT NULL
         ON CONFLICT DO NOTHING",
        params![conversation, group],
    )?;
    // A grant in a frame that was not acknowledged may not have arrived.
    tx.execute(
        "UPDATE issued_grant SET superseded = 1 WHERE peer_device IN
           (SELECT peer_device FROM send_member m JOIN send_group g ON g.id = m.send_group
            WHERE g.id = ?1 AND m.acked < g.next_seq - 1)",
        [group],
    )?;
    let ids = waiting_again(tx, group)?;
    // Commits of the peer may still name its epochs.
    tx.execute(
        "INSERT INTO retired_epoch (group_id, epoch, conversation, at)
         SELECT ?1, epoch, ?2, ?3 FROM own_commit WHERE send_group = ?4",
        params![group_id, conversation, tx.clock_now_ms(), group],
    )?;
    for sql in [
        "DELETE FROM put WHERE send_group = ?1",
        "DELETE FROM frame WHERE send_group = ?1",
        "DELETE FROM send_member WHERE send_group = ?1",
        "DELETE FROM send_group WHERE id = ?1",
        "INSERT INTO retired_group (id) VALUES (?1)",
    ] {
        tx.execute(sql, [group])?;
    }
    let conversation = conversations::id_of(tx, conversation)?;
    tx.changed(Change::Messages { conversation, ids });
    tx.changed(Change::Conversations(vec![conversation]));
    tx.changed(Change::Outbox);
    Ok(Some(group_id))
}

/// What a relay took may never be read: it is on its way again.
fn waiting_again(tx: &WriteTx<'_>, group: i64) -> Result<Vec<i64>, DbError> {
    let mut statement = tx.prepare_cached(
        "UPDATE message SET state = CASE state WHEN 5 THEN 5 ELSE ?2 END, resealed = 1
         WHERE id IN (SELECT message FROM frame WHERE send_group = ?1 AND given_up = 0)
         RETURNING id",
    )?;
    let ids = statement
        .query_map(params![group, MessageState::Sending as i64], |row| {
            row.get(0)
        })?
        .collect::<Result<_, _>>()?;
    Ok(ids)
}
