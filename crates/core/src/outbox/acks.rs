//! Acknowledgements that arrive (docs/protocol.md §3.3).

use super::MessageState;
use crate::db::{DbError, WriteTx};
use rusqlite::{OptionalExtension, params};
use sotto_wire::payload::{Ack, Mark, NO_MARK};

/// What an acknowledgement says.
pub(crate) enum Acknowledged {
    /// These messages are delivered now.
    Delivered(Vec<i64>),
    /// The device has processed a frame, or reads a group, that this one does not know: this one was set
    /// back (docs/protocol.md §3.7). Nothing has changed.
    Unknown,
}

/// The device has processed every frame of the own send group up to the number in `ack`. Cumulative
/// and never decreasing; what names a former group, or one of another conversation, is ignored.
pub(crate) fn acknowledge(
    tx: &WriteTx<'_>,
    conversation: i64,
    device: i64,
    ack: &Ack,
) -> Result<Acknowledged, DbError> {
    let found: Option<(i64, u64, u64)> = tx
        .prepare_cached(
            "SELECT g.id, g.next_seq, m.acked
             FROM send_group g JOIN send_member m ON m.send_group = g.id
             WHERE g.group_id = ?1 AND g.conversation = ?2 AND m.peer_device = ?3",
        )?
        .query_row(params![ack.group, conversation, device], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((group, next, acked)) = found else {
        return Ok(match was_own(tx, &ack.group)? {
            true => Acknowledged::Delivered(Vec::new()),
            false => Acknowledged::Unknown,
        });
    };
    let seq = ack.seq;
    if seq <= acked {
        return Ok(Acknowledged::Delivered(Vec::new()));
    }
    if seq >= next || is_another(tx, group, ack)? {
        return Ok(Acknowledged::Unknown);
    }
    tx.prepare_cached(
        "UPDATE send_member SET acked = ?3 WHERE send_group = ?1 AND peer_device = ?2",
    )?
    .execute(params![group, device, seq])?;
    tx.prepare_cached("DELETE FROM put WHERE send_group = ?1 AND seq <= ?2 AND peer_device = ?3")?
        .execute(params![group, seq, device])?;
    let by_all: u64 = tx
        .prepare_cached("SELECT min(acked) FROM send_member WHERE send_group = ?1")?
        .query_row([group], |row| row.get(0))?;
    delivered(tx, group, by_all).map(Acknowledged::Delivered)
}

/// Whether there is or was such an own group.
fn was_own(tx: &WriteTx<'_>, group_id: &[u8]) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached("SELECT 1 FROM own_group WHERE group_id = ?1")?;
    Ok(statement.exists([group_id])?)
}

/// Notes groups that this device must have forgotten: they say it once.
pub(crate) fn remember_groups(tx: &WriteTx<'_>, acks: &[Ack]) -> Result<(), DbError> {
    for ack in acks {
        tx.prepare_cached("INSERT OR IGNORE INTO own_group (group_id) VALUES (?1)")?
            .execute([&ack.group[..]])?;
    }
    Ok(())
}

/// The frame that was processed under this number is not the one that this device has sealed.
fn is_another(tx: &WriteTx<'_>, group: i64, ack: &Ack) -> Result<bool, DbError> {
    let own: Option<Mark> = tx
        .prepare_cached("SELECT mark FROM frame WHERE send_group = ?1 AND seq = ?2")?
        .query_row(params![group, ack.seq], |row| row.get(0))
        .optional()?;
    Ok(own.is_some_and(|own| own != NO_MARK && ack.mark != NO_MARK && own != ack.mark))
}

fn delivered(tx: &WriteTx<'_>, group: i64, by_all: u64) -> Result<Vec<i64>, DbError> {
    tx.prepare_cached("DELETE FROM put WHERE send_group = ?1 AND seq <= ?2")?
        .execute(params![group, by_all])?;
    let mut statement = tx.prepare_cached(
        "UPDATE message SET state = CASE state WHEN 5 THEN 5 ELSE ?3 END, error = NULL,
           expires_at = coalesce(expires_at, ?4 + expires_in * 1000)
         WHERE id IN (SELECT message FROM frame WHERE send_group = ?1 AND seq <= ?2)
         RETURNING id",
    )?;
    let delivered = statement
        .query_map(
            params![
                group,
                by_all,
                MessageState::Delivered as i64,
                tx.clock_now_ms()
            ],
            |row| row.get(0),
        )?
        .collect::<Result<Vec<i64>, _>>()?;
    // A message that was to be sealed anew has arrived after all.
    tx.prepare_cached(
        "DELETE FROM outbox
         WHERE conversation = (SELECT conversation FROM send_group WHERE id = ?1)
           AND message IN (SELECT message FROM frame WHERE send_group = ?1 AND seq <= ?2)",
    )?
    .execute(params![group, by_all])?;
    tx.prepare_cached("DELETE FROM frame WHERE send_group = ?1 AND seq <= ?2")?
        .execute(params![group, by_all])?;
    Ok(delivered)
}
