//! Messages that disappear (docs/protocol.md §5.3).

use super::MAX_TIMER;
use super::erase::{Trace, erase};
use crate::db::{DbError, ReadTx, WriteTx};
use rusqlite::params;
use sotto_wire::content::Expires;

/// Messages erased in one transaction.
const AT_ONCE: u32 = 256;

/// When a message is to disappear, as it is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::messages) struct Expiry {
    /// Seconds from reading or sending.
    pub(in crate::messages) after: Option<u32>,
    /// Milliseconds since 1970.
    pub(in crate::messages) at: Option<u64>,
}

/// What the sender asks for, within reason.
pub(in crate::messages) fn expiry_of(expires: Option<Expires>) -> Expiry {
    match expires {
        None => Expiry::default(),
        Some(Expires::After(seconds)) => Expiry {
            after: Some(seconds.clamp(1, MAX_TIMER)),
            at: None,
        },
        Some(Expires::At(time)) => Expiry {
            after: None,
            at: Some(u64::from(time) * 1000),
        },
    }
}

/// Erases messages whose time has come, some of them at a time; `true` where there are more.
///
/// # Errors
/// When the database fails.
pub fn sweep(tx: &WriteTx<'_>) -> Result<bool, DbError> {
    let now = tx.clock_now_ms();
    // No message waits longer than it was to, even where the clock was set back.
    tx.prepare_cached(
        "UPDATE message SET expires_at = ?1 + expires_in * 1000
         WHERE expires_at IS NOT NULL AND expires_at > ?1 + expires_in * 1000",
    )?
    .execute([now])?;
    let due = tx
        .prepare_cached(
            "SELECT conversation, id FROM message
             WHERE expires_at IS NOT NULL AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
        )?
        .query_map(params![now, AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, i64)>, _>>()?;
    for (conversation, message) in &due {
        erase(tx, *conversation, *message, Trace::None)?;
    }
    Ok(due.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX))
}

/// When the next message disappears, in milliseconds since 1970.
///
/// # Errors
/// When the database fails.
pub fn next(tx: &ReadTx<'_>) -> Result<Option<u64>, DbError> {
    let mut statement =
        tx.prepare_cached("SELECT min(expires_at) FROM message WHERE expires_at IS NOT NULL")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}
