//! Acknowledgements that arrive (docs/protocol.md §3.3).

use super::MessageState;
use crate::db::{DbError, WriteTx};
use rusqlite::{OptionalExtension, params};

/// The device has processed every frame of the own send group `group_id` up to `seq`; returns the
/// messages that are delivered now. Cumulative and never decreasing; what names another
/// conversation's group or a frame that was never sent is ignored.
pub(crate) fn acknowledge(
    tx: &WriteTx<'_>,
    conversation: i64,
    group_id: &[u8],
    device: i64,
    seq: u64,
) -> Result<Vec<i64>, DbError> {
    // Numbers are the peer's to choose; SQLite's are signed.
    let Ok(signed) = i64::try_from(seq) else {
        return Ok(Vec::new());
    };
    let group: Option<i64> = tx
        .prepare_cached(
            "SELECT id FROM send_group
             WHERE group_id = ?1 AND conversation = ?2 AND next_seq > ?3",
        )?
        .query_row(params![group_id, conversation, signed], |row| row.get(0))
        .optional()?;
    let Some(group) = group else {
        return Ok(Vec::new());
    };
    let news = tx
        .prepare_cached(
            "UPDATE send_member SET acked = ?3
             WHERE send_group = ?1 AND peer_device = ?2 AND acked < ?3",
        )?
        .execute(params![group, device, seq])?;
    if news == 0 {
        return Ok(Vec::new());
    }
    tx.prepare_cached("DELETE FROM put WHERE send_group = ?1 AND seq <= ?2 AND peer_device = ?3")?
        .execute(params![group, seq, device])?;
    let by_all: u64 = tx
        .prepare_cached("SELECT min(acked) FROM send_member WHERE send_group = ?1")?
        .query_row([group], |row| row.get(0))?;
    delivered(tx, group, by_all)
}

fn delivered(tx: &WriteTx<'_>, group: i64, by_all: u64) -> Result<Vec<i64>, DbError> {
    tx.prepare_cached("DELETE FROM put WHERE send_group = ?1 AND seq <= ?2")?
        .execute(params![group, by_all])?;
    let mut statement = tx.prepare_cached(
        "UPDATE message SET state = ?3, error = NULL
         WHERE id IN (SELECT message FROM frame WHERE send_group = ?1 AND seq <= ?2)
         RETURNING id",
    )?;
    let delivered = statement
        .query_map(
            params![group, by_all, MessageState::Delivered as i64],
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
