//! Connections that only read, lent to one caller at a time on a blocking thread.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::super::sql::Sql;
use super::super::{StoreError, Stored};

/// Reading connections. SQLite reads are short; two cores do not profit from more.
const READERS: usize = 4;

/// A few reading connections.
pub(super) struct Readers {
    free: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    #[cfg(feature = "testing")]
    here: Option<super::watched::Here>,
}

impl Readers {
    /// Opens them on the database at `path`.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connections = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let connection = Connection::open_with_flags(
                path,
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            connection.pragma_update(None, "query_only", true)?;
            connection.set_prepared_statement_cache_capacity(64);
            connections.push(connection);
        }
        Ok(Self {
            free: Arc::new(Mutex::new(connections)),
            permits: Arc::new(Semaphore::new(READERS)),
            #[cfg(feature = "testing")]
            here: None,
        })
    }

    /// Without threads: queries run where they are asked.
    #[cfg(feature = "testing")]
    pub(super) fn here(here: super::watched::Here) -> Self {
        Self {
            free: Arc::default(),
            permits: Arc::new(Semaphore::new(READERS)),
            here: Some(here),
        }
    }

    /// Runs `query` on one of them.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        #[cfg(feature = "testing")]
        if let Some(here) = &self.here {
            return here.read(query);
        }
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let free = Arc::clone(&self.free);
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let taken = free.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = taken.ok_or(StoreError::Closed)?;
            let result = query(&connection);
            free.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            result
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }

    /// Closes every connection that is not lent at the moment; later reads fail.
    pub(super) fn close(&self) {
        self.permits.close();
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
