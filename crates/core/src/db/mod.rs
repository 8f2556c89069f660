//! One SQLCipher database: one writer, a few readers, changes announced after the commit.
//!
//! Everything that must happen together (a ratchet step, the sealed bytes, a message) happens in
//! one [`WriteTx`].

pub(crate) mod attachments;
mod change;
pub(crate) mod conversations;
mod erase;
mod error;
mod functions;
pub(crate) mod holds;
pub mod incoming;
mod open;
pub mod own;
pub mod own_anchor;
pub(crate) mod own_move;
pub(crate) mod own_takeover;
pub mod peers;
pub(crate) mod pending;
pub mod plc_logs;
pub(crate) mod search_index;
mod tx;
#[cfg(feature = "testing")]
mod watch;
mod worker;

pub use change::Change;
pub use error::DbError;
pub use open::{DatabaseKey, LibraryTables};
pub use own::OwnAccount;
pub use peers::{Peer, PeerId};
pub use tx::{ReadTx, Savepoint, WriteTx};
#[cfg(feature = "testing")]
pub use watch::Watch;

use erase::Erasures;
use rusqlite::{Connection, TransactionBehavior};
use sotto_wire::random::{self, Random};
use sotto_wire::time::Clock;
use std::path::Path;
use std::sync::{Arc, mpsc};
use tokio::sync::{broadcast, oneshot};
use worker::Worker;

/// Announcements kept for a slow listener; a listener that falls behind reads everything again.
const CHANGES_KEPT: usize = 256;
const READERS: usize = 2;

/// A handle to the database; cheap to clone.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Worker,
    readers: Worker,
    shared: Shared,
}

#[derive(Clone)]
struct Shared {
    changes: broadcast::Sender<Change>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    session: [u8; 16],
    own: own::Loaded,
    erasures: Erasures,
    #[cfg(feature = "testing")]
    watch: Option<Arc<dyn Watch>>,
}

impl Database {
    /// Opens the database at `path`, makes it where there is none, and brings its schema up to
    /// date, that of `library` first.
    ///
    /// # Errors
    /// [`DbError::WrongKey`], [`DbError::Newer`], [`DbError::Locked`], or what SQLite reports.
    pub fn open(
        path: &Path,
        key: &DatabaseKey,
        library: LibraryTables,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, DbError> {
        let erasures = Erasures::default();
        let writer = open::writer(path, key, library, &erasures)?;
        let readers = (0..READERS)
            .map(|_| open::reader(path, key, &erasures))
            .collect::<Result<Vec<_>, _>>()?;
        let changes = broadcast::channel(CHANGES_KEPT).0;
        let shared = Shared {
            changes,
            clock,
            session: random::array(&*random),
            random,
            own: own::Loaded::default(),
            erasures: erasures.clone(),
            #[cfg(feature = "testing")]
            watch: None,
        };
        let inner = Inner {
            writer: Worker::start("sotto-db-writer", vec![writer], Some(erasures))?,
            readers: Worker::start("sotto-db-reader", readers, None)?,
            shared,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// As [`Database::open`], for a simulation: without threads, looked on by `watch`, and without
    /// waiting for the disk, as only a power cut that `watch` brings about is to be survived.
    ///
    /// # Errors
    /// As [`Database::open`].
    #[cfg(feature = "testing")]
    pub fn watched(
        path: &Path,
        key: &DatabaseKey,
        library: LibraryTables,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        watch: Arc<dyn Watch>,
    ) -> Result<Self, DbError> {
        // Nobody looks for what was deleted: the log is not cut off.
        let erasures = Erasures::default();
        let writer = open::writer(path, key, library, &erasures)?;
        writer.execute_batch("PRAGMA synchronous = OFF")?;
        let readers = Worker::here(open::reader(path, key, &erasures)?);
        let shared = Shared {
            changes: broadcast::channel(CHANGES_KEPT).0,
            clock,
            session: random::array(&*random),
            random,
            own: own::Loaded::default(),
            erasures,
            watch: Some(watch),
        };
        let writer = Worker::here(writer);
        let inner = Inner {
            writer,
            readers,
            shared,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Runs `f` in a write transaction; commits where it answers `Ok`, then announces changes.
    ///
    /// # Errors
    /// What `f` answers, or the [`DbError`] that kept it from being committed.
    pub async fn write<T, E>(
        &self,
        f: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let shared = self.inner.shared.clone();
        let (answer, outcome) = oneshot::channel();
        let job = move |connection: &mut Connection| {
            // Whoever asked may have gone; the write stands all the same.
            let _ = answer.send(shared.write(connection, f));
        };
        self.inner.writer.run(Box::new(job))?;
        outcome
            .await
            .unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// As [`Database::write`], for callers outside of a runtime.
    ///
    /// # Errors
    /// As [`Database::write`].
    pub fn write_blocking<T, E>(
        &self,
        f: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let shared = self.inner.shared.clone();
        let (answer, outcome) = mpsc::sync_channel(1);
        let job = move |connection: &mut Connection| {
            let _ = answer.send(shared.write(connection, f));
        };
        self.inner.writer.run(Box::new(job))?;
        outcome
            .recv()
            .unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// Runs `f` on a snapshot.
    ///
    /// # Errors
    /// What `f` answers, or a [`DbError`].
    pub async fn read<T, E>(
        &self,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let shared = self.inner.shared.clone();
        let (answer, outcome) = oneshot::channel();
        let job = move |connection: &mut Connection| {
            let _ = answer.send(shared.read(connection, f));
        };
        self.inner.readers.run(Box::new(job))?;
        outcome
            .await
            .unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// As [`Database::read`], for callers outside of a runtime.
    ///
    /// # Errors
    /// As [`Database::read`].
    pub fn read_blocking<T, E>(
        &self,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let shared = self.inner.shared.clone();
        let (answer, outcome) = mpsc::sync_channel(1);
        let job = move |connection: &mut Connection| {
            let _ = answer.send(shared.read(connection, f));
        };
        self.inner.readers.run(Box::new(job))?;
        outcome
            .recv()
            .unwrap_or_else(|_| Err(DbError::Closed.into()))
    }

    /// Announces a change of what is not stored.
    pub(crate) fn announce(&self, change: Change) {
        // Nobody listening is no failure.
        let _ = self.inner.shared.changes.send(change);
    }

    /// What changes from now on. A receiver that lags has missed something: read all again.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.shared.changes.subscribe()
    }
}

impl Shared {
    fn write<T, E: From<DbError>>(
        self,
        connection: &mut Connection,
        f: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        #[cfg(feature = "testing")]
        let watch = self.watch.clone();
        #[cfg(feature = "testing")]
        powered(watch.as_deref(), |it| it.begins())?;
        let tx = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(DbError::from)?;
        let own = own::OwnCache::new(self.own);
        let (random, session) = (self.random, self.session);
        let mut tx = WriteTx::new(tx, self.clock, random, session, own, self.erasures);
        #[cfg(feature = "testing")]
        tx.look_on(watch.clone());
        let value = f(&mut tx)?;
        #[cfg(feature = "testing")]
        powered(watch.as_deref(), |it| it.commits())?;
        let changes = tx.commit()?;
        #[cfg(feature = "testing")]
        powered(watch.as_deref(), |it| it.committed())?;
        for change in changes {
            // Nobody listening is no failure.
            let _ = self.changes.send(change);
        }
        Ok(value)
    }

    fn read<T, E: From<DbError>>(
        self,
        connection: &mut Connection,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        #[cfg(feature = "testing")]
        powered(self.watch.as_deref(), |it| it.begins())?;
        let tx = connection.transaction().map_err(DbError::from)?;
        f(&ReadTx {
            tx,
            clock: self.clock,
        })
    }
}

/// Whether the simulated machine still runs.
#[cfg(feature = "testing")]
fn powered(watch: Option<&dyn Watch>, is: fn(&dyn Watch) -> bool) -> Result<(), DbError> {
    match watch {
        Some(watch) if !is(watch) => Err(DbError::Closed),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
