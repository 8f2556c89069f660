//! Frames and first-contact nonces that were processed before (docs/protocol.md §3.3, §4.5).

use crate::db::{DbError, WriteTx};
use rusqlite::{OptionalExtension, params};
use sotto_wire::did::Did;

/// How long repeated frames are recognised: 40 days (docs/protocol.md §3.3), in milliseconds.
const KEPT: u64 = 40 * 24 * 60 * 60 * 1000;

/// A frame that was processed before.
pub(crate) struct Seen {
    /// The group it was of; `None` for acknowledgements only, which are never acknowledged.
    pub(crate) read_group: Option<i64>,
}

pub(crate) fn frame(tx: &WriteTx<'_>, digest: &[u8; 32]) -> Result<Option<Seen>, DbError> {
    let mut statement = tx.prepare_cached("SELECT read_group FROM seen_frame WHERE digest = ?1")?;
    Ok(statement
        .query_row([digest], |row| {
            Ok(Seen {
                read_group: row.get(0)?,
            })
        })
        .optional()?)
}

pub(crate) fn add_frame(
    tx: &WriteTx<'_>,
    digest: &[u8; 32],
    read_group: Option<i64>,
) -> Result<(), DbError> {
    tx.prepare_cached("INSERT INTO seen_frame (digest, read_group, at) VALUES (?1, ?2, ?3)")?
        .execute(params![digest, read_group, tx.clock_now_ms()])?;
    Ok(())
}

/// Notes a nonce; `false` where it was there already.
pub(crate) fn add_nonce(tx: &WriteTx<'_>, did: &Did, nonce: &[u8; 16]) -> Result<bool, DbError> {
    let added = tx
        .prepare_cached(
            "INSERT INTO seen_nonce (did, nonce, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?
        .execute(params![did.as_str(), nonce, tx.clock_now_ms()])?;
    Ok(added == 1)
}

/// Forgets what nobody repeats any more.
pub(crate) fn forget(tx: &WriteTx<'_>) -> Result<(), DbError> {
    let before = tx.clock_now_ms().saturating_sub(KEPT);
    tx.execute("DELETE FROM seen_frame WHERE at < ?1", [before])?;
    tx.execute("DELETE FROM seen_nonce WHERE at < ?1", [before])?;
    Ok(())
}
