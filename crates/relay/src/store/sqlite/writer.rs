//! The one connection that writes, on its own thread, with group commit: jobs that queue up while a
//! commit waits for the disk share the next transaction. A caller is answered only after its
//! transaction is durable (WAL, `synchronous=FULL`).

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::super::sql::Sql;
use super::super::{StoreError, Stored};

/// Jobs waiting for the writer; more wait in their senders.
const QUEUE: usize = 1024;
/// Jobs in one transaction: bounds what a crash in the middle repeats, and how long the first
/// caller of a batch waits.
const BATCH: usize = 256;

/// Tells a job's caller the outcome once the transaction was committed (`true`) or lost.
type Answer = Box<dyn FnOnce(bool) + Send>;
type Job = Box<dyn FnOnce(&Connection) -> Answer + Send>;

enum Order {
    Run(Job),
    Checkpoint,
    Stop,
}

/// Sends jobs to the writer thread.
pub(super) struct Writer {
    orders: mpsc::Sender<Order>,
    #[cfg(feature = "testing")]
    here: Option<super::watched::Here>,
}

impl Writer {
    /// Moves `connection` to a new thread. The receiver reports that the thread has finished.
    pub(super) fn spawn(
        connection: Connection,
    ) -> Result<(Self, oneshot::Receiver<()>), std::io::Error> {
        let (orders, receiver) = mpsc::channel(QUEUE);
        let (finished, stopped) = oneshot::channel();
        std::thread::Builder::new()
            .name("relay-writer".to_owned())
            .spawn(move || {
                run(connection, receiver);
                let _ = finished.send(());
            })?;
        let writer = Self {
            orders,
            #[cfg(feature = "testing")]
            here: None,
        };
        Ok((writer, stopped))
    }

    /// Without a thread: jobs run where they are handed in.
    #[cfg(feature = "testing")]
    pub(super) fn here(here: super::watched::Here) -> Self {
        let orders = mpsc::channel(1).0;
        Self {
            orders,
            here: Some(here),
        }
    }

    /// Runs `job` inside a transaction and returns after the commit is on disk. The job has its own
    /// savepoint: its error undoes it alone.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&dyn Sql) -> Stored<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        #[cfg(feature = "testing")]
        if let Some(here) = &self.here {
            return here.write(|connection| in_savepoint(connection, job));
        }
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = in_savepoint(connection, job);
            Box::new(move |committed| {
                let outcome = match (committed, result) {
                    (true, result) => result,
                    (false, _) => Err(StoreError::NotCommitted),
                };
                // The caller may have given up; the work is done all the same.
                let _ = sender.send(outcome);
            })
        });
        self.orders
            .send(Order::Run(job))
            .await
            .map_err(|_| StoreError::Closed)?;
        // A job that no transaction could be begun for was dropped.
        answer.await.map_err(|_| match self.orders.is_closed() {
            true => StoreError::Closed,
            false => StoreError::NotCommitted,
        })?
    }

    /// Whether the thread still takes jobs.
    pub(super) fn is_open(&self) -> bool {
        #[cfg(feature = "testing")]
        if self.here.is_some() {
            return true;
        }
        !self.orders.is_closed()
    }

    /// Moves what the log holds into the database and empties the log, between two transactions.
    pub(super) async fn checkpoint(&self) {
        let _ = self.orders.send(Order::Checkpoint).await;
    }

    /// Lets the writer finish everything that was sent before, and end.
    pub(super) async fn stop(&self) {
        let _ = self.orders.send(Order::Stop).await;
    }
}

fn run(mut connection: Connection, mut orders: mpsc::Receiver<Order>) {
    let mut next = orders.blocking_recv();
    while let Some(order) = next {
        next = match order {
            Order::Run(job) => transaction(&mut connection, job, &mut orders),
            Order::Checkpoint => {
                checkpoint(&connection);
                None
            }
            Order::Stop => {
                // What was sent before is still taken out; what comes now is refused.
                orders.close();
                None
            }
        };
        next = next.or_else(|| orders.blocking_recv());
    }
    // An ordinary close also removes the log; a failure here loses nothing.
    let _ = connection.close();
}

/// Runs `first` and the jobs queued behind it in one transaction. Returns an order that was met on
/// the way and has to wait for its end.
fn transaction(
    connection: &mut Connection,
    first: Job,
    orders: &mut mpsc::Receiver<Order>,
) -> Option<Order> {
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => {
            tracing::error!(reason = %error, "the database refuses a transaction");
            // Dropping the job closes its caller's channel.
            return None;
        }
    };
    let mut answers = vec![first(&transaction)];
    let mut met = None;
    // Where the disk is full, the engine may have undone the whole transaction by itself: a job that
    // came after that would be committed on its own, and its caller told otherwise.
    while answers.len() < BATCH && met.is_none() && !transaction.is_autocommit() {
        match orders.try_recv() {
            Ok(Order::Run(job)) => answers.push(job(&transaction)),
            Ok(other) => met = Some(other),
            Err(_) => break,
        }
    }
    let committed = match transaction.commit() {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(reason = %error, jobs = answers.len(), "a commit failed");
            false
        }
    };
    for answer in answers {
        answer(committed);
    }
    met
}

fn checkpoint(connection: &Connection) {
    // A reader in the way makes it incomplete; the next one catches up.
    let done = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    if let Err(error) = done {
        tracing::warn!(reason = %error, "the log was not emptied");
    }
}

fn in_savepoint<T>(connection: &Connection, job: impl FnOnce(&dyn Sql) -> Stored<T>) -> Stored<T> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = job(connection);
    if connection.is_autocommit() {
        // Undone as a whole; nothing of it is left to go back to.
        return result;
    }
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([])?;
    result
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{StoreError, Writer};
    use crate::store::sql::{Sql, params};

    fn writer() -> (Writer, tokio::sync::oneshot::Receiver<()>) {
        let connection = Connection::open_in_memory().expect("sqlite");
        connection
            .execute_batch("CREATE TABLE t (x INTEGER UNIQUE)")
            .expect("schema");
        Writer::spawn(connection).expect("thread")
    }

    #[tokio::test]
    async fn a_failing_job_undoes_only_itself() {
        let (writer, _stopped) = writer();
        let insert =
            |x: i64| move |sql: &dyn Sql| sql.execute("INSERT INTO t VALUES (?1)", params![x]);
        writer.write(insert(1)).await.expect("first");
        let failed = writer
            .write(|sql: &dyn Sql| {
                sql.execute("INSERT INTO t VALUES (2)", params![])?;
                sql.execute("INSERT INTO t VALUES (1)", params![])
            })
            .await;
        assert!(matches!(failed, Err(StoreError::Sqlite(_))));
        writer.write(insert(3)).await.expect("third");
        let sum: i64 = writer
            .write(|sql: &dyn Sql| sql.one("SELECT sum(x) FROM t", params![], |row| row.get(0)))
            .await
            .expect("sum");
        assert_eq!(sum, 4);
    }

    #[tokio::test]
    async fn jobs_share_transactions() {
        let (writer, _stopped) = writer();
        let writer = std::sync::Arc::new(writer);
        let jobs: Vec<_> = (0..500)
            .map(|x| {
                let writer = std::sync::Arc::clone(&writer);
                tokio::spawn(async move {
                    writer
                        .write(move |sql| sql.execute("INSERT INTO t VALUES (?1)", params![x]))
                        .await
                })
            })
            .collect();
        for job in jobs {
            job.await.expect("task").expect("write");
        }
    }

    #[tokio::test]
    async fn what_the_engine_undoes_by_itself_takes_nothing_else_along() {
        let (writer, _stopped) = writer();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let first = writer.write(move |sql| {
            let _ = held.recv();
            sql.execute("INSERT INTO t VALUES (1)", params![])
        });
        // As a full disk does it.
        let undone = writer.write(|sql| {
            sql.execute("ROLLBACK", params![])?;
            Err::<(), _>(StoreError::NoRow)
        });
        let third = writer.write(|sql| sql.execute("INSERT INTO t VALUES (3)", params![]));
        let release = async { release.send(()).expect("the first job waits") };
        let (first, undone, third, ()) = tokio::join!(first, undone, third, release);
        assert!(matches!(first, Err(StoreError::NotCommitted)));
        assert!(undone.is_err() && third.is_ok());
        let kept: i64 = writer
            .write(|sql: &dyn Sql| sql.one("SELECT sum(x) FROM t", params![], |row| row.get(0)))
            .await
            .expect("sum");
        assert_eq!(kept, 3);
    }

    #[tokio::test]
    async fn a_transaction_that_cannot_begin_does_not_look_like_the_end() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("t.db");
        let other = Connection::open(&path).expect("sqlite");
        let held = "CREATE TABLE t (x INTEGER); BEGIN IMMEDIATE";
        other.execute_batch(held).expect("held");
        let connection = Connection::open(&path).expect("sqlite");
        let soon = std::time::Duration::from_millis(10);
        connection.busy_timeout(soon).expect("timeout");
        let (writer, _stopped) = Writer::spawn(connection).expect("thread");
        let insert = |sql: &dyn Sql| sql.execute("INSERT INTO t VALUES (1)", params![]);
        let refused = writer.write(insert).await;
        assert!(matches!(refused, Err(StoreError::NotCommitted)));
        other.execute_batch("ROLLBACK").expect("released");
        writer.write(insert).await.expect("written");
    }

    #[tokio::test]
    async fn stop_drains_what_was_sent_before() {
        let (writer, stopped) = writer();
        let pending = writer.write(|sql| sql.execute("INSERT INTO t VALUES (9)", params![]));
        let (written, ()) = tokio::join!(pending, writer.stop());
        written.expect("drained");
        stopped.await.expect("thread ended");
        assert!(!writer.is_open());
        assert!(matches!(
            writer.write(|_| Ok(())).await,
            Err(StoreError::Closed)
        ));
    }
}
