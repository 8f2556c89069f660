//! Everything the relay keeps: one SQLite database, one writer, a few readers. All SQL of this
//! crate stands under this module, in functions that take a [`sql::Sql`]; who calls them decides
//! whether that writes or reads.
//!
//! Expiry is a rule about reading (PMR storage contract §4): every query filters, and the sweep in
//! [`expiry`] only reclaims room.

pub(crate) mod accounts;
pub(crate) mod attachments;
pub(crate) mod expiry;
pub(crate) mod grants;
pub(crate) mod inbox;
pub(crate) mod journal;
pub(crate) mod key_packages;
pub(crate) mod messages;
mod migrations;
pub(crate) mod pool;
pub(crate) mod queue;
mod readers;
pub(crate) mod secrets;
pub(crate) mod seen;
pub(crate) mod sql;
mod sqlite;
#[cfg(feature = "testing")]
mod watched;
mod writer;

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use readers::Readers;
use sql::Sql;
#[cfg(feature = "testing")]
pub use watched::Watch;
use writer::Writer;

/// Row number of a registered device; never used twice.
pub(crate) type DeviceRow = i64;
/// Row number of a registered account.
pub(crate) type AccountRow = i64;

/// What a statement, or a function of several, comes to.
pub(crate) type Stored<T> = Result<T, StoreError>;

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The relay is shutting down.
    #[error("the store is closed")]
    Closed,
    /// The transaction did not reach the disk; nothing of it happened.
    #[error("the transaction was not committed")]
    NotCommitted,
    /// SQLite refused the statement.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A statement that always returns a row returned none.
    #[error("a row is missing")]
    NoRow,
    /// A statement returned something else than is read there.
    #[error("column {0} of a row is of another kind")]
    Column(usize),
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migration(#[from] rusqlite_migration::Error),
    /// The writer thread could not be started.
    #[error(transparent)]
    Thread(#[from] std::io::Error),
}

/// The open database.
pub(crate) struct Store {
    writer: Writer,
    readers: Readers,
    stopped: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Store {
    /// Opens the database at `path`, making or migrating it.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
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

    /// Runs `job` in a transaction and returns once it is durable; its error undoes it. A job that
    /// was undone without having failed may be run again.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(job).await
    }

    /// Runs `query` on a connection that cannot write.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl Fn(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.read(query).await
    }

    /// Empties the log, so that what was deleted is not still readable there.
    pub(crate) async fn checkpoint(&self) {
        self.writer.checkpoint().await;
    }

    /// Whether the writer is at work.
    pub(crate) fn is_open(&self) -> bool {
        self.writer.is_open()
    }

    /// Finishes every write that was handed in and closes the database.
    pub(crate) async fn close(&self) {
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
