//! Work for a connection, and its caller, who waits.

use tokio::sync::oneshot;

use super::super::sql::Sql;
use super::super::{StoreError, Stored};

/// Something to be run in a transaction. Until it is answered it may be run again: nothing of an
/// earlier run is left then.
pub(super) trait Job: Send {
    /// Runs it; whether it went well.
    fn run(&mut self, sql: &dyn Sql) -> bool;

    /// Whether the last run met something that another may not meet.
    fn may_pass(&self) -> bool;

    /// Tells the caller what came of the last run, or why there is nothing.
    fn answer(self: Box<Self>, lost: Option<StoreError>);
}

struct Waiting<T, F> {
    job: F,
    outcome: Option<Stored<T>>,
    caller: oneshot::Sender<Stored<T>>,
}

/// A job, and where its outcome arrives.
pub(super) fn new<T: Send + 'static>(
    job: impl Fn(&dyn Sql) -> Stored<T> + Send + 'static,
) -> (Box<dyn Job>, oneshot::Receiver<Stored<T>>) {
    let (caller, outcome) = oneshot::channel();
    let waiting = Waiting {
        job,
        outcome: None,
        caller,
    };
    (Box::new(waiting), outcome)
}

impl<T: Send, F: Fn(&dyn Sql) -> Stored<T> + Send> Job for Waiting<T, F> {
    fn run(&mut self, sql: &dyn Sql) -> bool {
        let outcome = (self.job)(sql);
        let well = outcome.is_ok();
        self.outcome = Some(outcome);
        well
    }

    fn may_pass(&self) -> bool {
        matches!(&self.outcome, Some(Err(error)) if error.may_pass())
    }

    fn answer(self: Box<Self>, lost: Option<StoreError>) {
        let outcome = match lost {
            Some(error) => Err(error),
            None => self.outcome.unwrap_or(Err(StoreError::NotCommitted)),
        };
        // The caller may have given up; the work is done all the same.
        let _ = self.caller.send(outcome);
    }
}
