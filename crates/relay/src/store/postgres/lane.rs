//! Threads with a connection each, which take the jobs that wait in one line.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::super::sql::Sql;
use super::super::{StoreError, Stored};
use super::address::Address;
use super::connection::Connection;
use super::job::{self, Job};

/// Jobs that wait; more wait in their callers.
const QUEUE: usize = 1024;
/// Jobs in one transaction.
const BATCH: usize = 128;
/// Runs of a job that meets others again and again.
const ATTEMPTS: u32 = 8;
/// For so long after the server could not be reached, jobs are refused without trying.
const REST: Duration = Duration::from_millis(500);

/// How the jobs of a lane are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Those that wait share a transaction. Only for jobs that never wait for each other.
    Together,
    /// Each in its own transaction.
    Alone,
    /// They only read; each statement sees what is committed by then.
    Reading,
}

/// The line and its threads.
pub(super) struct Lane {
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    /// Ends when the last thread did.
    threads: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

impl Lane {
    /// Starts `threads` threads; they connect when there is something to do.
    pub(super) fn start(address: &Address, kind: Kind, threads: usize) -> Stored<Self> {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let (running, ended) = mpsc::channel(1);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..threads {
            let (waiting, running) = (Arc::clone(&waiting), running.clone());
            let mut worker = Worker {
                address: address.clone(),
                kind,
                connection: None,
                refused: None,
            };
            std::thread::Builder::new()
                .name("relay-postgres".to_owned())
                .spawn(move || {
                    let _running = running;
                    while let Some(batch) = next(&waiting, kind) {
                        worker.run(batch);
                    }
                })?;
        }
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            threads: tokio::sync::Mutex::new(ended),
        })
    }

    /// Runs a job and returns what came of it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl Fn(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Stored<T> {
        let (job, outcome) = job::new(job);
        let jobs = self.lock().clone().ok_or(StoreError::Closed)?;
        jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        drop(jobs);
        outcome.await.map_err(|_| StoreError::Closed)?
    }

    /// Whether it takes jobs.
    pub(super) fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// Finishes what waits, and ends the threads.
    pub(super) async fn close(&self) {
        self.lock().take();
        let _ = self.threads.lock().await.recv().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Box<dyn Job>>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a job, and takes those behind it along where they may share a transaction.
fn next(waiting: &Mutex<mpsc::Receiver<Box<dyn Job>>>, kind: Kind) -> Option<Vec<Box<dyn Job>>> {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let mut batch = vec![waiting.blocking_recv()?];
    while kind == Kind::Together && batch.len() < BATCH {
        match waiting.try_recv() {
            Ok(job) => batch.push(job),
            Err(_) => break,
        }
    }
    Some(batch)
}

struct Worker {
    address: Address,
    kind: Kind,
    connection: Option<Connection>,
    /// When the server could not be reached, and why.
    refused: Option<(Instant, String)>,
}

impl Worker {
    fn run(&mut self, mut batch: Vec<Box<dyn Job>>) {
        if batch.len() > 1 {
            match self.together(&mut batch) {
                Ok(true) => return batch.into_iter().for_each(|job| job.answer(None)),
                // One of them spoils it for the others: each by itself.
                Ok(false) => {}
                Err(error) => {
                    let reason = error.to_string();
                    return batch.into_iter().for_each(|job| {
                        job.answer(Some(StoreError::Unreachable(reason.clone())));
                    });
                }
            }
        }
        for job in batch {
            self.alone(job);
        }
    }

    /// Whether all of them are committed; otherwise nothing is.
    fn together(&mut self, batch: &mut [Box<dyn Job>]) -> Stored<bool> {
        let connection = self.begun()?;
        if !batch.iter_mut().all(|job| job.run(connection)) {
            connection.rollback();
            return Ok(false);
        }
        connection.commit().map(|()| true)
    }

    fn alone(&mut self, mut job: Box<dyn Job>) {
        let reads = self.kind == Kind::Reading;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                super::pause(Duration::from_millis(1 << attempt));
            }
            let connection = match self.begun() {
                Ok(connection) => connection,
                Err(error) => return job.answer(Some(error)),
            };
            if job.run(connection) {
                match if reads { Ok(()) } else { connection.commit() } {
                    Ok(()) => return job.answer(None),
                    Err(error) if error.was_undone() => continue,
                    // Nobody knows: the caller asks again, which is why asking twice does no harm.
                    Err(error) => return job.answer(Some(error)),
                }
            }
            if !reads {
                connection.rollback();
            }
            if !job.may_pass() && !connection.is_closed() {
                return job.answer(None);
            }
        }
        tracing::warn!("a transaction met others every time");
        job.answer(Some(StoreError::NotCommitted));
    }

    /// The connection, in a transaction where this lane writes.
    fn begun(&mut self) -> Stored<&Connection> {
        let reads = self.kind == Kind::Reading;
        // It may have been lost while nobody looked.
        let alive = self
            .connection
            .as_ref()
            .is_some_and(|it| !it.is_closed() && (reads || it.begin().is_ok()));
        if !alive {
            self.connection = None;
            let connection = self.connect()?;
            if reads {
                connection.run("SET default_transaction_read_only = on")?;
            } else {
                connection.begin()?;
            }
            self.connection = Some(connection);
        }
        self.connection.as_ref().ok_or(StoreError::Closed)
    }

    fn connect(&mut self) -> Stored<Connection> {
        if let Some((at, reason)) = &self.refused
            && at.elapsed() < REST
        {
            return Err(StoreError::Unreachable(reason.clone()));
        }
        let connected = self.address.connect().and_then(Connection::new);
        self.refused = connected.as_ref().err().map(|error| {
            tracing::error!(reason = %error, "the database cannot be reached");
            (Instant::now(), error.to_string())
        });
        connected.map_err(|error| StoreError::Unreachable(error.to_string()))
    }
}
