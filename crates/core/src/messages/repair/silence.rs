//! Devices that acknowledge nothing, however often frames are put.

use super::{HOUR, renewal};
use crate::db::{Change, DbError, ReadTx, WriteTx};
use crate::messages::EngineError;

/// How often a relay has taken a frame before its device counts as silent: with the steps of
/// docs/protocol.md §3.3 that takes five days and a half, in which this app was there.
const PUTS: u64 = 10;

/// As many times in a row a relay that the account has left did not answer: it is given up. That is
/// a minute.
const FAILURES: u64 = 5;

/// At the relay that the account names, its device is sure to be found; at one that it left, the device
/// has an hour to give a grant at the other (§4.9).
const SILENT: &str = "SELECT DISTINCT g.conversation, d.id
     FROM put p
     JOIN send_group g ON g.id = p.send_group
     JOIN peer_device d ON d.id = p.peer_device
     LEFT JOIN held_grant h ON h.id = p.held_grant
     LEFT JOIN frame f ON f.send_group = p.send_group AND f.seq = p.seq
     WHERE d.silent = 0
       AND (p.accepted >= ?1
            OR h.left_at IS NOT NULL AND p.failures >= ?2
            OR h.left_at <= ?3 AND f.sealed_at <= ?3)";

pub(super) fn is_due(tx: &ReadTx<'_>) -> Result<bool, DbError> {
    let hour_ago = tx.clock_now_ms().saturating_sub(HOUR);
    let mut statement = tx.prepare_cached(SILENT)?;
    Ok(statement.exists([PUTS, FAILURES, hour_ago])?)
}

/// A device that was set back to before it met this one does not know the grant by which frames come,
/// nor whose they are: it is contacted as if for the first time.
pub(super) fn fall_back(tx: &WriteTx<'_>) -> Result<(), EngineError> {
    let hour_ago = tx.clock_now_ms().saturating_sub(HOUR);
    let silent = tx
        .prepare_cached(SILENT)?
        .query_map([PUTS, FAILURES, hour_ago], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<Vec<(i64, i64)>, _>>()?;
    for (conversation, device) in silent {
        tracing::info!("a device acknowledges nothing");
        tx.prepare_cached("UPDATE peer_device SET silent = 1 WHERE id = ?1")?
            .execute([device])?;
        renewal::begin_anew(tx, conversation)?;
        tx.changed(Change::Outbox);
    }
    Ok(())
}

/// A frame of the device was read.
pub(in crate::messages) fn heard(tx: &WriteTx<'_>, device: i64) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE peer_device SET silent = 0 WHERE id = ?1 AND silent = 1")?
        .execute([device])?;
    Ok(())
}
