//! The same frame in other bytes.

use crate::db::{DbError, WriteTx};
use rusqlite::{OptionalExtension, params};
use sotto_wire::frame::{self, SealKey};

/// From so many acceptances on, the oldest frame that a device has not acknowledged goes out in
/// other bytes.
pub(super) const FROM: u64 = 3;

/// Seals the oldest unacknowledged frame for a device under another nonce; the MLS message in it stays
/// the same. A relay drops what its device has acknowledged to it, and a device whose disk was set
/// back has lost exactly that (docs/protocol.md §3.3, §3.7). The later frames wait: once the oldest is
/// acknowledged, one of them is the oldest.
pub(super) fn seal(tx: &WriteTx<'_>, put: i64) -> Result<(), DbError> {
    let found: Option<(Vec<u8>, [u8; 32])> = tx
        .prepare_cached(
            "SELECT put.bytes, held.seal
             FROM put JOIN held_grant held ON held.id = put.held_grant
             WHERE put.id = ?1
               AND NOT EXISTS (SELECT 1 FROM put older
                               WHERE older.send_group = put.send_group
                                 AND older.peer_device = put.peer_device
                                 AND older.seq < put.seq)",
        )?
        .query_row([put], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((bytes, key)) = found else {
        return Ok(());
    };
    let key = SealKey::from_bytes(key);
    let same = frame::open(&bytes, &key).map_err(|_| DbError::Stored("put"))?;
    let sealed = frame::seal(&same, &key, tx.random()).map_err(|_| DbError::Stored("put"))?;
    tx.prepare_cached("UPDATE put SET bytes = ?2 WHERE id = ?1")?
        .execute(params![put, sealed])?;
    Ok(())
}
