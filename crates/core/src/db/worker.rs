//! Threads that own connections. A job gets a connection to itself for as long as it runs, so
//! one worker thread is what makes "one writer" true.

use super::error::DbError;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

pub(super) type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A queue of jobs, taken in order by as many threads as there are connections.
pub(super) struct Worker {
    jobs: Option<Sender<Job>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(name: &str, connections: Vec<Connection>) -> Result<Self, DbError> {
        let (jobs, queue) = channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        let mut threads = Vec::new();
        for connection in connections {
            let queue = Arc::clone(&queue);
            let thread = thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || serve(connection, &queue))
                .map_err(|_| DbError::Closed)?;
            threads.push(thread);
        }
        Ok(Self {
            jobs: Some(jobs),
            threads,
        })
    }

    pub(super) fn run(&self, job: Job) -> Result<(), DbError> {
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

fn serve(mut connection: Connection, queue: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is released before the job runs: only the waiting is one at a time.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A panic inside a job has rolled its transaction back and dropped its answer channel;
        // the connection itself is fine, and the next job deserves its turn.
        if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
            tracing::error!("a database job panicked and was rolled back");
        }
    }
}
