//! Everything the relay keeps: in an SQLite file, with one writer and a few readers, or on a
//! PostgreSQL server ([`postgres`]), which several processes may share. All SQL
//! of this crate stands under this module, in functions that take a [`sql::Sql`]; who calls them
//! decides whether that writes or reads.
//!
//! Expiry is a rule about reading (PMR storage contract §4): every query filters, and the sweep in
//! [`expiry`] only reclaims room.

pub(crate) mod accounts;
pub(crate) mod attachments;
pub(crate) mod blocks;
pub(crate) mod declarations;
pub(crate) mod expiry;
pub(crate) mod figures;
pub(crate) mod grants;
pub(crate) mod inbox;
pub(crate) mod journal;
pub(crate) mod key_packages;
pub(crate) mod many;
pub(crate) mod messages;
pub(crate) mod pool;
mod postgres;
pub(crate) mod queue;
pub(crate) mod secrets;
pub(crate) mod seen;
pub(crate) mod settlement;
pub(crate) mod sql;
mod sqlite;

use std::path::Path;

use self::postgres::Postgres;
pub(crate) use self::postgres::{Heard, Notice, Notices};
use crate::metrics;
use sql::Sql;
use sqlite::Sqlite;
#[cfg(feature = "testing")]
pub use sqlite::Watch;
pub use sqlite::{BackupError, backup};

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
    /// PostgreSQL refused the statement.
    #[error("{message} ({code})")]
    Postgres {
        /// SQLSTATE.
        code: String,
        /// In the server's words.
        message: String,
    },
    /// The server of the database does not answer.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The URL of the database is none.
    #[error("the URL of the database is not understood: {0}")]
    Url(String),
    /// An encrypted connection cannot be checked.
    #[error(
        "no certificate authority is trusted: set SSL_CERT_FILE, or sslmode=disable in the URL"
    )]
    Certificates,
    /// A later version of this program made the schema.
    #[error("the database was made by a newer version of this program")]
    Newer,
    /// The transaction that many shared was not committed.
    #[error("{0}")]
    Together(String),
    /// A statement that always returns a row returned none.
    #[error("a row is missing")]
    NoRow,
    /// A statement returned something else than is read there.
    #[error("column {0} of a row is of another kind")]
    Column(usize),
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migration(#[from] rusqlite_migration::Error),
    /// A thread could not be started.
    #[error(transparent)]
    Thread(#[from] std::io::Error),
}

impl StoreError {
    /// Whether the same may go well a moment later: the transaction met another one, or a server
    /// that goes down or is coming up.
    fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Postgres { code, .. } => {
                self.was_undone()
                    // Unique and foreign keys: what was looked at before is no longer so.
                    || ["23505", "23503", "55P03", "57P01", "57P02", "57P03"]
                        .contains(&code.as_str())
            }
            _ => false,
        }
    }

    /// Whether a part of what was to be written may be to blame, and the rest would go well.
    pub(crate) fn is_of_one(&self) -> bool {
        !matches!(
            self,
            Self::Closed | Self::NotCommitted | Self::Unreachable(_) | Self::Together(_)
        )
    }

    /// Whether the server says that nothing of the transaction happened, because of another one.
    fn was_undone(&self) -> bool {
        matches!(self, Self::Postgres { code, .. } if code.starts_with("40"))
    }
}

/// The open database.
pub(crate) enum Store {
    /// A file, and this process alone.
    Sqlite(Sqlite),
    /// A server, which other processes of this relay may use too.
    Postgres(Postgres),
}

impl Store {
    /// Opens the database file at `path`, making or migrating it.
    pub(crate) fn open(path: &Path) -> Stored<Self> {
        Sqlite::open(path).map(Self::Sqlite)
    }

    /// Opens the database at `url`, making or migrating its schema. `origin` tells this process from
    /// others.
    pub(crate) async fn on_server(url: String, origin: u64) -> Stored<Self> {
        Postgres::open(url, origin).await.map(Self::Postgres)
    }

    /// Runs `job` in a transaction and returns once it is durable; its error undoes it. A job of
    /// which nothing is left may be run again.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Stored<T> {
        match self {
            Self::Sqlite(store) => metrics::write(store.write(job)).await,
            Self::Postgres(store) => metrics::write(store.write(job)).await,
        }
    }

    /// The same for a job that never waits for another: it only adds rows that nobody else knows.
    /// Many of them share a transaction.
    pub(crate) async fn append<T: Send + 'static>(
        &self,
        job: impl Fn(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Stored<T> {
        match self {
            Self::Sqlite(store) => metrics::write(store.write(job)).await,
            Self::Postgres(store) => metrics::write(store.append(job)).await,
        }
    }

    /// Runs `query` on a connection that cannot write.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl Fn(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Stored<T> {
        match self {
            Self::Sqlite(store) => metrics::read(store.read(query)).await,
            Self::Postgres(store) => metrics::read(store.read(query)).await,
        }
    }

    /// What tells other processes, where there may be any.
    pub(crate) fn notices(&self) -> Option<&Notices> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(store) => Some(&store.notices),
        }
    }

    /// Empties the log, so that what was deleted is not still readable there. A server does that by
    /// itself.
    pub(crate) async fn checkpoint(&self) {
        if let Self::Sqlite(store) = self {
            store.checkpoint().await;
        }
    }

    /// Whether it takes jobs.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Sqlite(store) => store.is_open(),
            Self::Postgres(store) => store.is_open(),
        }
    }

    /// Finishes every write that was handed in and closes the database.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}
