//! The two kinds of access: writing inside one transaction, and reading.

use super::change::Change;
use super::erase::Erasures;
use super::error::DbError;
use super::own::OwnCache;
use super::search_index;
use rusqlite::{Connection, Transaction};
use sotto_wire::random::Random;
use sotto_wire::time::{Clock, Timestamp};
use std::cell::RefCell;
use std::ops::Deref;
use std::sync::Arc;

/// An open write transaction (`BEGIN IMMEDIATE`). Not `Send`: no network can happen inside it.
pub struct WriteTx<'c> {
    tx: Transaction<'c>,
    changes: RefCell<Vec<Change>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    session: [u8; 16],
    pub(super) own: OwnCache,
    erasures: Erasures,
    #[cfg(feature = "testing")]
    watch: Option<Arc<dyn super::Watch>>,
}

impl<'c> WriteTx<'c> {
    pub(super) fn new(
        tx: Transaction<'c>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        session: [u8; 16],
        own: OwnCache,
        erasures: Erasures,
    ) -> Self {
        Self {
            tx,
            changes: RefCell::new(Vec::new()),
            clock,
            random,
            session,
            own,
            erasures,
            #[cfg(feature = "testing")]
            watch: None,
        }
    }

    #[cfg(feature = "testing")]
    pub(super) fn look_on(&mut self, watch: Option<Arc<dyn super::Watch>>) {
        self.watch = watch;
    }

    /// Who looks on.
    #[cfg(feature = "testing")]
    pub(crate) fn watch(&self) -> Option<Arc<dyn super::Watch>> {
        self.watch.clone()
    }

    pub(super) fn commit(self) -> Result<Vec<Change>, DbError> {
        search_index::before_commit(&self.tx)?;
        self.tx.commit()?;
        Ok(super::change::merge(self.changes.into_inner()))
    }

    /// Notes what to announce after the commit.
    pub fn changed(&self, change: Change) {
        self.changes.borrow_mut().push(change);
    }

    /// Something that nobody is to find again is deleted or overwritten here: after the commit, the
    /// log that still holds it is cut off. The tables of messages, drafts and requests say so by
    /// triggers of their own.
    pub fn erased(&self) {
        self.erasures.mark();
    }

    /// Milliseconds since 1970, by the injected clock.
    pub fn clock_now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// The same time in seconds, as the wire has it.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.clock.now_ms() / 1000)
    }

    /// The injected randomness.
    pub fn random(&self) -> &dyn Random {
        &*self.random
    }

    /// Random, and another one each time the database is opened: what was stored under another one
    /// may be older than what this device has sent since (an image that was put back).
    pub(crate) fn session(&self) -> [u8; 16] {
        self.session
    }

    /// The same, to be kept.
    pub(crate) fn shared_random(&self) -> Arc<dyn Random> {
        Arc::clone(&self.random)
    }

    /// Opens a savepoint: what follows is undone unless [`Savepoint::commit`] is called.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn savepoint(&self) -> Result<Savepoint<'_, 'c>, DbError> {
        self.tx.prepare_cached("SAVEPOINT step")?.execute([])?;
        Ok(Savepoint {
            tx: self,
            gathered: self.changes.borrow().len(),
            open: true,
        })
    }
}

impl Deref for WriteTx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.tx
    }
}

/// A step inside a [`WriteTx`] that is undone when dropped, its announcements included.
pub struct Savepoint<'t, 'c> {
    tx: &'t WriteTx<'c>,
    gathered: usize,
    open: bool,
}

impl Savepoint<'_, '_> {
    /// Keeps what happened since the savepoint, as far as the transaction commits.
    ///
    /// # Errors
    /// When SQLite fails; the step is undone then.
    pub fn commit(mut self) -> Result<(), DbError> {
        self.tx.prepare_cached("RELEASE step")?.execute([])?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Savepoint<'_, '_> {
    fn drop(&mut self) {
        if self.open {
            self.tx.changes.borrow_mut().truncate(self.gathered);
            // Where this fails, SQLite has given up the whole transaction already, and the
            // commit will say so.
            let _ = self.tx.execute_batch("ROLLBACK TO step; RELEASE step");
        }
    }
}

/// Read access: a consistent snapshot on a connection that cannot write.
pub struct ReadTx<'c> {
    pub(super) tx: Transaction<'c>,
    pub(super) clock: Arc<dyn Clock>,
}

impl ReadTx<'_> {
    /// Milliseconds since 1970, by the injected clock.
    pub fn clock_now_ms(&self) -> u64 {
        self.clock.now_ms()
    }
}

impl Deref for ReadTx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.tx
    }
}
