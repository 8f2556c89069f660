//! The store in an SQLite file: one writer with group commit, a few readers.

mod backup;
mod connection;
mod migrations;
mod readers;
#[cfg(feature = "testing")]
mod watched;
mod writer;

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::Stored;
use super::sql::Sql;
pub use backup::{BackupError, backup};
use readers::Readers;
#[cfg(feature = "testing")]
pub use watched::Watch;
use writer::Writer;

/// Pages that the writer keeps in memory, in KiB.
const CACHE_KIB: i64 = 32 * 1024;

/// The open database.
pub(crate) struct Sqlite {
    writer: Writer,
    readers: Readers,
    stopped: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Sqlite {
    /// Opens the database at `path`, making or migrating it.
    pub(super) fn open(path: &Path) -> Stored<Self> {
        // It stays with one thread.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // Digests are everywhere in their table: pages that are read again for each are much of what
        // a put costs. The log keeps the engine's own length, as a long one can fill a small disk.
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        // A 202 is a promise (§4.6): FULL makes every commit survive a power cut, NORMAL does not.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What was acknowledged is gone, not merely unlinked: a stolen disk shows no old senders.
        connection.pragma_update(None, "secure_delete", true)?;
        // Nobody else writes; only a checkpoint ever waits, for a reader, and not for long.
        connection.busy_timeout(Duration::from_millis(250))?;
        connection.set_prepared_statement_cache_capacity(128);
        migrations::apply(&mut connection)?;
        let readers = Readers::open(path)?;
        let (writer, stopped) = Writer::spawn(connection)?;
        Ok(Self {
            writer,
            readers,
            stopped: Mutex::new(Some(stopped)),
        })
    }

    /// As [`super::Store::write`].
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Stored<T> {
        self.writer.write(job).await
    }

    /// As [`super::Store::read`].
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Stored<T> {
        self.readers.read(query).await
    }

    /// As [`super::Store::checkpoint`].
    pub(super) async fn checkpoint(&self) {
        self.writer.checkpoint().await;
    }

    /// Whether the writer is at work.
    pub(super) fn is_open(&self) -> bool {
        self.writer.is_open()
    }

    /// Finishes every write that was handed in and closes the database.
    pub(super) async fn close(&self) {
        self.readers.close();
        self.writer.stop().await;
        let stopped = self
            .stopped
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(stopped) = stopped {
            let _ = stopped.await;
        }
    }
}
