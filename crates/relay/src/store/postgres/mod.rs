//! The store on PostgreSQL, which several processes of a relay may share. Transactions are READ
//! COMMITTED; what SQLite gets from having one writer is written into the statements as locks, in
//! `/*! … */`.

mod address;
mod connection;
mod job;
mod lane;
mod migrations;
mod notices;

use super::sql::Sql;
use super::{StoreError, Stored};
use address::Address;
use connection::Connection;
use lane::{Kind, Lane};
pub(crate) use notices::{Heard, Notice, Notices};

/// Connections of each kind. One that waits for the disk leaves the processor to the others.
const APPENDING: usize = 4;
const WRITING: usize = 6;
const READING: usize = 6;

/// The open database.
pub(crate) struct Postgres {
    appending: Lane,
    writing: Lane,
    reading: Lane,
    /// What the processes tell each other.
    pub(super) notices: Notices,
}

impl Postgres {
    /// Opens the database at `url`, making or migrating its schema. `origin` tells this process from
    /// the others.
    pub(super) async fn open(url: String, origin: u64) -> Stored<Self> {
        // The client blocks.
        let opened = tokio::task::spawn_blocking(move || {
            let address = Address::parse(&url)?;
            let mut client = address.connect()?;
            migrations::apply(&mut client)?;
            let connection = Connection::new(client)?;
            let (lane, notices) = (
                |kind, threads| Lane::start(&address, kind, threads),
                Notices::start(&address, &connection, origin)?,
            );
            Ok(Self {
                appending: lane(Kind::Together, APPENDING)?,
                writing: lane(Kind::Alone, WRITING)?,
                reading: lane(Kind::Reading, READING)?,
                notices,
            })
        });
        opened.await.map_err(|_| StoreError::Closed)?
    }

    /// As [`super::Store::append`].
    pub(super) async fn append<T: Send + 'static>(
        &self,
        job: impl Fn(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Stored<T> {
        self.appending.run(job).await
    }

    /// As [`super::Store::write`].
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Stored<T> {
        self.writing.run(job).await
    }

    /// As [`super::Store::read`].
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl Fn(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Stored<T> {
        self.reading.run(query).await
    }

    /// Whether it takes jobs.
    pub(super) fn is_open(&self) -> bool {
        self.writing.is_open()
    }

    /// Finishes every job that was handed in.
    pub(super) async fn close(&self) {
        self.reading.close().await;
        self.appending.close().await;
        self.writing.close().await;
        self.notices.close();
    }
}

/// Waits, on a thread that runs no tasks.
#[expect(
    clippy::disallowed_methods,
    reason = "the threads of this module belong to no runtime"
)]
fn pause(time: std::time::Duration) {
    std::thread::sleep(time);
}
