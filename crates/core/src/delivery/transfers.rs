//! Files on their way (docs/protocol.md §4.8): read, put at the own relay, fetched from a relay,
//! cleared away. As with the sender, everything that matters is in the database and the folder, and
//! is looked at again after every change: so it goes on wherever it was interrupted.

mod clear;
mod download;
mod read;
mod upload;

use super::Context;
use super::backoff::Backoff;
use crate::attachments::AttachmentProblem;
use crate::db::attachments::{self, Attachment, AttachmentState};
use crate::db::{Change, DbError};
use crate::messages::{EngineError, attach};
use crate::relay::RelayError;
use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// Files on their way at the same time.
const CONCURRENT: usize = 3;
/// Look again even if nothing announced itself.
const AT_LEAST: Duration = Duration::from_secs(60);
/// The database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// The job that removes objects from the relay; no attachment has this number.
const CLEARING: i64 = 0;
/// Progress is told at most so often.
const PROGRESS: Duration = Duration::from_millis(250);

/// Why a file does not get on.
enum Trouble {
    /// Again later.
    Later,
    /// Again when the user says so.
    Refused(AttachmentProblem),
    /// The database failed, or the disk in a way that may pass.
    Db(EngineError),
}

impl From<AttachmentProblem> for Trouble {
    fn from(problem: AttachmentProblem) -> Self {
        Self::Refused(problem)
    }
}

impl From<DbError> for Trouble {
    fn from(error: DbError) -> Self {
        Self::Db(error.into())
    }
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        Self::Db(error)
    }
}

impl Trouble {
    fn of_relay(error: &RelayError) -> Self {
        match error {
            // The housekeeper registers.
            RelayError::Unreachable | RelayError::Full { .. } | RelayError::NotRegistered => {
                Self::Later
            }
            RelayError::Refused { status: 507, code } if code == "quota" => {
                Self::Refused(AttachmentProblem::Quota)
            }
            RelayError::Refused { status: 507, .. } => Self::Refused(AttachmentProblem::RelayFull),
            RelayError::Refused { .. } => Self::Refused(AttachmentProblem::Refused),
            RelayError::NotARelay(_) => Self::Refused(AttachmentProblem::Damaged),
            RelayError::Insecure => Self::Refused(AttachmentProblem::Invalid),
        }
    }
}

/// Tells of progress, not too often.
struct Progress(Option<Instant>);

impl Progress {
    fn is_due(&mut self) -> bool {
        let due = self.0.is_none_or(|last| last.elapsed() >= PROGRESS);
        if due {
            self.0 = Some(Instant::now());
        }
        due
    }
}

struct Transfers {
    context: Arc<Context>,
    jobs: FuturesUnordered<BoxFuture<'static, i64>>,
    running: HashSet<i64>,
}

pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut changes = context.database.changes();
    let mut try_again = context.try_again.subscribe();
    clear::left_behind(&context).await;
    let mut transfers = Transfers {
        context,
        jobs: FuturesUnordered::new(),
        running: HashSet::new(),
    };
    loop {
        let wait = transfers.turn().await.unwrap_or_else(|error| {
            tracing::error!(%error, "files go on later");
            AFTER_FAILURE
        });
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = something_changed(&mut changes) => {}
            Some(id) = transfers.jobs.next() => drop(transfers.running.remove(&id)),
            Ok(()) = try_again.changed() => transfers.try_again().await,
        }
    }
}

async fn something_changed(changes: &mut broadcast::Receiver<Change>) {
    loop {
        match changes.recv().await {
            Ok(Change::Outbox) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // Shutting down.
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

impl Transfers {
    /// Starts what can be started, and says how long nothing new is to be expected.
    async fn turn(&mut self) -> Result<Duration, DbError> {
        let context = Arc::clone(&self.context);
        clear::folders(&context, &self.running).await?;
        self.clear_objects().await?;
        let now = context.clock.now_ms();
        let (due, next) = context
            .database
            .read(move |tx| {
                let due = attachments::due(tx, now)?;
                Ok::<_, DbError>((due, attachments::next_due(tx)?))
            })
            .await?;
        for id in due {
            // One may be the one that clears.
            if self.jobs.len() > CONCURRENT {
                break;
            }
            if self.running.insert(id) {
                let context = Arc::clone(&context);
                self.jobs
                    .push(async move { job(&context, id).await }.boxed());
            }
        }
        let until = next
            .filter(|next| *next > now)
            .map_or(AT_LEAST, |next| Duration::from_millis(next - now));
        Ok(until.min(AT_LEAST))
    }

    /// In a job of its own: the relay may be slow.
    async fn clear_objects(&mut self) -> Result<(), DbError> {
        let context = Arc::clone(&self.context);
        let some = context
            .database
            .read(|tx| attachments::objects_to_remove(tx))
            .await?;
        if !some.is_empty() && self.running.insert(CLEARING) {
            self.jobs.push(
                async move {
                    clear::objects(&context).await;
                    CLEARING
                }
                .boxed(),
            );
        }
        Ok(())
    }

    /// The network is back, or the user asked.
    async fn try_again(&mut self) {
        let due = self
            .context
            .database
            .write::<_, DbError>(|tx| attachments::due_now(tx))
            .await;
        if let Err(error) = due {
            tracing::error!(%error, "files that wait could not be made due");
        }
    }
}

/// Gets one attachment on, and notes what came of it.
async fn job(context: &Context, id: i64) -> i64 {
    let outcome = get_on(context, id).await;
    let noted = match outcome {
        Ok(()) => Ok(()),
        Err(Trouble::Later) => later(context, id).await,
        Err(Trouble::Refused(problem)) => {
            tracing::warn!(code = problem.code(), "a file is given up");
            refused(context, id, problem).await
        }
        Err(Trouble::Db(error)) => {
            tracing::error!(%error, "a file could not be got on");
            later(context, id).await
        }
    };
    if let Err(error) = noted {
        tracing::error!(%error, "what became of a file could not be noted");
        tokio::time::sleep(AFTER_FAILURE).await;
    }
    id
}

async fn get_on(context: &Context, id: i64) -> Result<(), Trouble> {
    let Some(attachment) = current(context, id).await? else {
        return Ok(());
    };
    match attachment.state {
        AttachmentState::Reading => read::read(context, &attachment).await,
        AttachmentState::Uploading => upload::upload(context, &attachment).await,
        AttachmentState::Downloading => download::download(context, &attachment).await,
        _ => Ok(()),
    }
}

async fn current(context: &Context, id: i64) -> Result<Option<Attachment>, DbError> {
    context
        .database
        .read(move |tx| attachments::get(tx, id))
        .await
}

/// Whether an attachment is still to be got on like this.
async fn still(context: &Context, id: i64, state: AttachmentState) -> Result<bool, DbError> {
    Ok(current(context, id)
        .await?
        .is_some_and(|it| it.state == state))
}

async fn later(context: &Context, id: i64) -> Result<(), DbError> {
    let Some(attachment) = current(context, id).await? else {
        return Ok(());
    };
    let wait = Backoff::after(attachment.failures).next(&*context.random);
    let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let next = context.clock.now_ms().saturating_add(wait);
    context
        .database
        .write(move |tx| attachments::wait(tx, &attachment, next))
        .await
}

async fn refused(context: &Context, id: i64, problem: AttachmentProblem) -> Result<(), DbError> {
    context
        .database
        .write(move |tx| match attachments::get(tx, id)? {
            Some(attachment) => attach::failed(tx, &attachment, problem),
            None => Ok(()),
        })
        .await
}

/// Runs work with files where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Trouble> {
    // It panicked, or the runtime ends.
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Trouble::Later)
}
