//! What was deleted leaves the file, too.
//!
//! `secure_delete` overwrites it in the pages, but the write-ahead log still holds the pages as they
//! were, until it is folded into the database and cut off. That happens as soon as the writer has
//! nothing else to do and no reader is in the way. A crash in between leaves the log behind: every
//! start cuts it off.

use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long the writer must have nothing to do first. Also the pause before another attempt.
pub(super) const QUIET: Duration = Duration::from_millis(200);
/// How many jobs may come before; a writer that never rests erases all the same.
pub(super) const JOBS: u32 = 64;
/// How long a checkpoint waits for readers: the writer waits with it.
const PATIENCE: Duration = Duration::from_millis(50);

/// Whether something was deleted that the log may still hold.
#[derive(Clone, Default)]
pub(super) struct Erasures(Arc<AtomicBool>);

impl Erasures {
    /// Something is being deleted in the transaction that is open. Where it is rolled back, the log
    /// is cut off for nothing.
    pub(super) fn mark(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn are_due(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Cuts the log off; where that fails, it stays due.
    pub(super) fn carry_out(&self, connection: &Connection) {
        match cut_log(connection) {
            Ok(true) => self.0.store(false, Ordering::Release),
            Ok(false) => tracing::debug!("a reader keeps the log from being cut off"),
            Err(error) => tracing::warn!(%error, "the log could not be cut off"),
        }
    }
}

/// Folds the log into the database and empties it; `false` where a reader was in the way.
pub(super) fn cut_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(PATIENCE)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, i64>(0)
    });
    connection.busy_timeout(super::open::BUSY)?;
    Ok(busy? == 0)
}
