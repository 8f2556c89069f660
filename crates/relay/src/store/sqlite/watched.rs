//! The database of a simulated relay: without threads, as two of them are never twice in the same
//! order, and looked on by whoever decides when the power fails.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

use super::super::sql::Sql;
use super::super::{Store, StoreError, Stored};
use super::Sqlite;
use super::readers::Readers;
use super::writer::Writer;

/// What a simulation is told about a relay's database, and what it decides.
pub trait Watch: Send + Sync {
    /// A read or a write begins; `false`: the machine has no power, nothing happens.
    fn begins(&self) -> bool;

    /// A write is about to be committed; `false`: the power fails just before.
    fn commits(&self) -> bool;

    /// A write is committed; `false`: the power fails right after, before anyone learns of it.
    fn committed(&self) -> bool;
}

/// One connection for everything.
#[derive(Clone)]
pub(super) struct Here {
    connection: Arc<Mutex<Connection>>,
    watch: Arc<dyn Watch>,
}

impl Here {
    fn powered(&self, is: fn(&dyn Watch) -> bool) -> Result<(), StoreError> {
        if is(&*self.watch) {
            Ok(())
        } else {
            Err(StoreError::Closed)
        }
    }

    pub(super) fn write<T>(
        &self,
        job: impl FnOnce(&Connection) -> Stored<T>,
    ) -> Result<T, StoreError> {
        self.powered(|it| it.begins())?;
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = job(&transaction);
        self.powered(|it| it.commits())?;
        transaction.commit()?;
        self.powered(|it| it.committed())?;
        outcome
    }

    pub(super) fn read<T>(
        &self,
        query: impl FnOnce(&dyn Sql) -> Stored<T>,
    ) -> Result<T, StoreError> {
        self.powered(|it| it.begins())?;
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        query(&*connection)
    }
}

impl Store {
    /// As [`Store::open`], without threads and without waiting for the disk.
    pub(crate) fn watched(path: &Path, watch: Arc<dyn Watch>) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(128);
        super::migrations::apply(&mut connection)?;
        let here = Here {
            connection: Arc::new(Mutex::new(connection)),
            watch,
        };
        Ok(Self::Sqlite(Sqlite {
            writer: Writer::here(here.clone()),
            readers: Readers::here(here),
            stopped: Mutex::new(None),
        }))
    }
}
