//! Devices that acknowledge nothing, however often frames are put.

use super::renewal;
use crate::db::{Change, DbError, WriteTx};
use crate::messages::EngineError;
use rusqlite::Connection;

/// How often a relay has taken a frame before its device counts as silent: with the steps of
/// docs/protocol.md §3.3 that takes five days and a half, in which this app was there.
const PUTS: u64 = 10;

const SILENT: &str = "SELECT DISTINCT g.conversation, d.id
     FROM put p
     JOIN send_group g ON g.id = p.send_group
     JOIN peer_device d ON d.id = p.peer_device
     WHERE p.accepted >= ?1 AND d.silent = 0";

pub(super) fn is_due(connection: &Connection) -> Result<bool, DbError> {
    Ok(connection.prepare_cached(SILENT)?.exists([PUTS])?)
}

/// A device that was set back to before it met this one does not know the grant by which frames come,
/// nor whose they are: it is contacted as if for the first time.
pub(super) fn fall_back(tx: &WriteTx<'_>) -> Result<(), EngineError> {
    let silent = tx
        .prepare_cached(SILENT)?
        .query_map([PUTS], |row| Ok((row.get(0)?, row.get(1)?)))?
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
