//! Sequenced frames from sealing to acknowledgement.

use super::MessageState;
use crate::db::{Change, DbError, WriteTx, conversations};
use rusqlite::{OptionalExtension, named_params, params};
use sotto_wire::payload::Link;

/// A put to store.
pub(crate) struct NewPut<'a> {
    pub(crate) id: i64,
    pub(crate) group: i64,
    /// `None`: acknowledgements only.
    pub(crate) seq: Option<u64>,
    /// Device and grant; `None`: the DID mailbox.
    pub(crate) recipient: Option<(i64, i64)>,
    pub(crate) bytes: &'a [u8],
}

/// A frame without a message is to go out: it brings the peer what it needs to go on.
pub(crate) fn ask_for_frame(tx: &WriteTx<'_>, conversation: i64) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO outbox (conversation, message) VALUES (?1, 0) ON CONFLICT DO NOTHING",
    )?
    .execute([conversation])?;
    Ok(())
}

/// A sequenced frame that was just sealed.
pub(crate) struct NewFrame {
    pub(crate) group: i64,
    pub(crate) seq: u64,
    pub(crate) message: Option<i64>,
    pub(crate) link: Link,
}

/// Notes a sequenced frame. One that was sealed before keeps its link.
pub(crate) fn insert_frame(tx: &WriteTx<'_>, frame: &NewFrame) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO frame (send_group, seq, message, sealed_at, mark, after)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (send_group, seq) DO UPDATE
           SET message = ?3, sealed_at = ?4, given_up = 0",
    )?
    .execute(params![
        frame.group,
        frame.seq,
        frame.message,
        tx.clock_now_ms(),
        frame.link.mark,
        frame.link.after
    ])?;
    Ok(())
}

/// The link of a frame that was sealed before.
pub(crate) fn link_of(tx: &WriteTx<'_>, group: i64, seq: u64) -> Result<Option<Link>, DbError> {
    let mut statement =
        tx.prepare_cached("SELECT mark, after FROM frame WHERE send_group = ?1 AND seq = ?2")?;
    let link = statement.query_row(params![group, seq], |row| {
        Ok(Link {
            mark: row.get(0)?,
            after: row.get(1)?,
        })
    });
    Ok(link.optional()?)
}

/// Stores sealed bytes, due now.
pub(crate) fn insert_put(tx: &WriteTx<'_>, put: &NewPut<'_>) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO put (id, send_group, seq, peer_device, held_grant, bytes, next_at)
         VALUES (:id, :group, :seq, :device, :grant, :bytes, :now)",
    )?
    .execute(named_params! {
        ":id": put.id,
        ":group": put.group,
        ":seq": put.seq,
        ":device": put.recipient.map(|(device, _)| device),
        ":grant": put.recipient.map(|(_, grant)| grant),
        ":bytes": put.bytes,
        ":now": tx.clock_now_ms(),
    })?;
    Ok(())
}

/// Gives a frame up: its bytes go, its message has failed. Its number stays taken, and the next
/// sealing fills it (`messages::seal`), as acknowledgements cannot pass a gap.
pub(super) fn give_up(tx: &WriteTx<'_>, group: i64, seq: u64, code: &str) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM put WHERE send_group = ?1 AND seq = ?2")?
        .execute(params![group, seq])?;
    let message: Option<i64> = tx
        .prepare_cached(
            "UPDATE frame SET given_up = 1 WHERE send_group = ?1 AND seq = ?2 RETURNING message",
        )?
        .query_row(params![group, seq], |row| row.get(0))?;
    let Some(message) = message else {
        return Ok(());
    };
    let conversation: i64 = tx
        .prepare_cached(
            "UPDATE message SET state = CASE state WHEN 5 THEN 5 ELSE ?2 END, error = ?3
             WHERE id = ?1 RETURNING conversation",
        )?
        .query_row(params![message, MessageState::Failed as i64, code], |row| {
            row.get(0)
        })?;
    let conversation = conversations::id_of(tx, conversation)?;
    tx.changed(Change::Messages {
        conversation,
        ids: vec![message],
    });
    tx.changed(Change::Conversations(vec![conversation]));
    Ok(())
}
