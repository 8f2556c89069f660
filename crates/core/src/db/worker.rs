//! Threads that own connections. A job gets a connection to itself for as long as it runs, so
//! one worker thread is what makes "one writer" true.
//!
//! In a simulation, jobs run where they are handed in: two threads are never twice in the same order.

use super::erase::{Erasures, JOBS, QUIET};
use super::error::DbError;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

pub(super) type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A queue of jobs, taken in order by as many threads as there are connections.
pub(super) struct Worker {
    jobs: Option<Sender<Job>>,
    threads: Vec<thread::JoinHandle<()>>,
    #[cfg(feature = "testing")]
    here: Option<Mutex<Connection>>,
}

impl Worker {
    pub(super) fn start(
        name: &str,
        connections: Vec<Connection>,
        erasures: Option<Erasures>,
    ) -> Result<Self, DbError> {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let mut threads = Vec::new();
        for connection in connections {
            let (queue, erasures) = (Arc::clone(&queue), erasures.clone());
            let thread = thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || serve(connection, &queue, erasures.as_ref()))
                .map_err(|_| DbError::Closed)?;
            threads.push(thread);
        }
        Ok(Self {
            jobs: Some(jobs),
            threads,
            #[cfg(feature = "testing")]
            here: None,
        })
    }

    /// Without threads.
    #[cfg(feature = "testing")]
    pub(super) fn here(connection: Connection) -> Self {
        Self {
            jobs: None,
            threads: Vec::new(),
            here: Some(Mutex::new(connection)),
        }
    }

    pub(super) fn run(&self, job: Job) -> Result<(), DbError> {
        #[cfg(feature = "testing")]
        if let Some(connection) = &self.here {
            job(&mut connection.lock().unwrap_or_else(PoisonError::into_inner));
            return Ok(());
        }
        let jobs = self.jobs.as_ref().ok_or(DbError::Closed)?;
        jobs.send(job).map_err(|_| DbError::Closed)
    }
}

impl Drop for Worker {
    /// Waits for the jobs under way, so that whoever opens the file next finds it closed.
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // The last handle may be dropped by a job, on the very thread to wait for.
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

fn serve(mut connection: Connection, queue: &Mutex<Receiver<Job>>, erasures: Option<&Erasures>) {
    let mut jobs = 0;
    loop {
        let due = erasures.filter(|it| it.are_due());
        // The lock is released before the job runs: only the waiting is one at a time.
        let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        let job = match due {
            None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) if jobs >= JOBS => Err(RecvTimeoutError::Timeout),
            Some(_) => queue.recv_timeout(QUIET),
        };
        drop(queue);
        match (job, due) {
            (Ok(job), _) => {
                jobs = if due.is_some() { jobs + 1 } else { 0 };
                run(&mut connection, job);
            }
            (Err(RecvTimeoutError::Timeout), Some(erasures)) => {
                jobs = 0;
                erasures.carry_out(&connection);
            }
            _ => return,
        }
    }
}

fn run(connection: &mut Connection, job: Job) {
    // A panic inside a job has rolled its transaction back and dropped its answer channel; the
    // connection itself is fine, and the next job deserves its turn.
    if catch_unwind(AssertUnwindSafe(|| job(connection))).is_err() {
        tracing::error!("a database job panicked and was rolled back");
    }
}
