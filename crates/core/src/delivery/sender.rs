//! The sender: fetches what sealing needs, seals, puts, and notes what came of it.
//!
//! It holds nothing of its own that matters: what is to be done is asked of the database again
//! after every change, every job and every wait.

mod check;
mod first_contact;
mod puts;
mod waits;

use super::context::Trouble;
use super::{Context, standing};
use crate::db::{Change, DbError, WriteTx};
use crate::messages::EngineError;
use crate::messages::{repair, seal};
use crate::outbox::{self, Need, Put, grant_stock};
use crate::relay::RelayError;
use crate::views::{ErrorView, shown};
use first_contact::NeedError;
use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use waits::Waits;

/// Conversations that are put at the same time.
const CONCURRENT: usize = 8;
/// Messages sealed in one transaction.
const SEAL_AT_ONCE: usize = 64;
/// Nothing is that certain: look again even if nothing announced itself.
const AT_LEAST: Duration = Duration::from_secs(60);
/// The database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Something done at a time, and only once at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Job {
    Puts(ConversationId),
    FirstContact(ConversationId),
    Check(Did),
    Grants,
}

/// What came of a job.
enum Done {
    /// Look again.
    Fine,
    /// Look again, but not before a while.
    Later,
    /// As `Later`, and it would be a surprise if that helped.
    MuchLater,
}

struct Sender {
    context: Arc<Context>,
    jobs: FuturesUnordered<BoxFuture<'static, (Job, Done)>>,
    running: HashSet<Job>,
    waits: Waits<Job>,
}

pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut changes = context.database.changes();
    let mut try_again = context.try_again.subscribe();
    let mut sender = Sender {
        jobs: FuturesUnordered::new(),
        running: HashSet::new(),
        waits: Waits::default(),
        context,
    };
    loop {
        let wait = match sender.turn().await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, "the sender goes on later");
                let view = ErrorView::with_detail(shown(error.code()), error);
                sender.context.set_trouble(Trouble::Sending, Some(view));
                AFTER_FAILURE
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = outbox_changed(&mut changes) => {}
            Some((job, done)) = sender.jobs.next() => sender.note(job, &done),
            Ok(()) = try_again.changed() => sender.try_again().await,
        }
    }
}

/// Other changes are not ours; a lost one may have been.
async fn outbox_changed(changes: &mut broadcast::Receiver<Change>) {
    loop {
        match changes.recv().await {
            Ok(Change::Outbox) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // Shutting down.
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

impl Sender {
    /// Starts whatever can be started, and says how long nothing new is to be expected.
    async fn turn(&mut self) -> Result<Duration, EngineError> {
        let context = Arc::clone(&self.context);
        if context.database.read(repair::is_due).await? {
            context.database.write(|tx| repair::carry_out(tx)).await?;
        }
        for need in context.database.read(outbox::needs).await? {
            self.start_need(need);
        }
        for did in context.database.read(outbox::to_check).await? {
            self.start_check(did);
        }
        seal_waiting(&context).await?;
        let now = context.clock.now_ms();
        let due = context
            .database
            .read(move |tx| outbox::due(tx, now))
            .await?;
        self.start_puts(due);
        context.set_trouble(Trouble::Sending, None);
        let next = context.database.read(outbox::next_due).await?;
        // What is due and not started waits for a running job, whose end wakes us.
        let until_due = next
            .filter(|next| *next > now)
            .map_or(AT_LEAST, |next| Duration::from_millis(next - now));
        Ok(until_due
            .min(self.waits.shortest().unwrap_or(AT_LEAST))
            .min(AT_LEAST))
    }

    fn start_need(&mut self, need: Need) {
        let context = Arc::clone(&self.context);
        match need {
            Need::FirstContact { conversation, did } => {
                self.start(Job::FirstContact(conversation), move || {
                    async move {
                        let made = first_contact::make(&context, &conversation, &did).await;
                        first_contact::note(&context, &conversation, &did, &made).await;
                        done(made)
                    }
                    .boxed()
                });
            }
            Need::Grants(n) => self.start(Job::Grants, move || {
                async move { done(stock_up(&context, n).await) }.boxed()
            }),
        }
    }

    fn start_check(&mut self, did: Did) {
        let context = Arc::clone(&self.context);
        self.start(Job::Check(did.clone()), move || {
            async move { done(check::check(&context, &did).await) }.boxed()
        });
    }

    fn start_puts(&mut self, due: Vec<Put>) {
        let mut by_conversation: BTreeMap<ConversationId, Vec<Put>> = BTreeMap::new();
        for put in due {
            by_conversation
                .entry(put.conversation)
                .or_default()
                .push(put);
        }
        for (conversation, puts) in by_conversation {
            if self.jobs.len() >= CONCURRENT {
                return;
            }
            let context = Arc::clone(&self.context);
            self.start(Job::Puts(conversation), move || {
                async move {
                    match puts::put_in_order(&context, puts).await {
                        Ok(()) => Done::Fine,
                        Err(error) => {
                            tracing::error!(%error, "puts could not be settled");
                            Done::Later
                        }
                    }
                }
                .boxed()
            });
        }
    }

    /// Starts a job, unless it is running or its time has not come.
    fn start(&mut self, job: Job, work: impl FnOnce() -> BoxFuture<'static, Done>) {
        if self.running.contains(&job) || self.waits.is_waiting(&job) {
            return;
        }
        self.running.insert(job.clone());
        let work = work();
        self.jobs.push(async move { (job, work.await) }.boxed());
    }

    fn note(&mut self, job: Job, done: &Done) {
        self.running.remove(&job);
        match done {
            Done::Fine => self.waits.forget(&job),
            Done::Later => self.waits.wait(job, &*self.context.random),
            Done::MuchLater => self.waits.wait_long(job),
        }
    }

    /// The network is back, or the user asked: nothing waits for its next attempt any more.
    async fn try_again(&mut self) {
        self.waits.clear();
        let due = self
            .context
            .database
            .write::<_, DbError>(|tx| outbox::due_now(tx))
            .await;
        if let Err(error) = due {
            tracing::error!(%error, "what waits could not be made due");
        }
    }
}

/// Seals everything that can be. The bytes are then due like any others.
async fn seal_waiting(context: &Context) -> Result<(), EngineError> {
    for conversation in context.database.read(outbox::waiting).await? {
        loop {
            let seal = move |tx: &mut WriteTx<'_>| seal::next(tx, &conversation, SEAL_AT_ONCE);
            match context.database.write(seal).await {
                Ok(puts) if puts.len() < SEAL_AT_ONCE => break,
                Ok(_) => {}
                // Named among the needs of the next turn.
                Err(EngineError::Need(_)) => break,
                // The others' messages are not to wait for one conversation that is damaged.
                Err(EngineError::Db(error)) if !error.is_of_a_value() => return Err(error.into()),
                Err(error) => {
                    tracing::error!(code = error.code(), "a message could not be sealed");
                    let code = error.code();
                    standing::of_conversation(&context.database, conversation, code).await?;
                    break;
                }
            }
        }
    }
    Ok(())
}

fn done(outcome: Result<(), NeedError>) -> Done {
    match outcome {
        Ok(()) => Done::Fine,
        Err(error) if error.is_temporary() => Done::Later,
        Err(_) => Done::MuchLater,
    }
}

/// Grants to give to peers, so that they can reach this device.
async fn stock_up(context: &Context, n: usize) -> Result<(), NeedError> {
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    let domain = context.own.domain.clone();
    let grants = match context.relays.grants(&domain, n).await {
        // It was left before, and not for good yet.
        Err(error) if error.is("draining") => {
            context.relays.drain_grants(&domain, false).await?;
            context.relays.grants(&domain, n).await?
        }
        outcome => outcome?,
    };
    let enough = context.database.write::<_, DbError>(move |tx| {
        grant_stock::add(tx, &domain, grants)?;
        Ok(!outbox::needs_grants(tx)?)
    });
    match enough.await? {
        true => Ok(()),
        // By this clock they expire too soon to be given away, and so would the next.
        false => Err(RelayError::NotARelay("its grants have no life left").into()),
    }
}
