//! Work of the same kind that comes in while the store is busy is done together: one transaction, and
//! on a server one statement, for many puts or acknowledgements.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::state::State;
use crate::store::sql::Sql;
use crate::store::{StoreError, Stored};

/// Items done together: bounds how long the first of them waits.
const TOGETHER: usize = 512;

/// What is done with items.
type Apply<T> = fn(&dyn Sql, &[T]) -> Stored<()>;

/// Whether a transaction may wait for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It only adds rows that nobody else knows.
    Appending,
    /// It may.
    Changing,
}

/// Items that wait, and who works them off.
pub(crate) struct Gather<T> {
    apply: Apply<T>,
    kind: Kind,
    /// Batches under way at once: while one waits for the disk, another is put together.
    workers: usize,
    waiting: Mutex<Waiting<T>>,
}

struct Waiting<T> {
    items: Vec<Item<T>>,
    at_work: usize,
}

/// An item, and where its outcome arrives.
type Item<T> = (T, oneshot::Sender<Stored<()>>);

impl<T: Send + Sync + 'static> Gather<T> {
    /// Nothing waits.
    pub(crate) fn new(kind: Kind, workers: usize, apply: Apply<T>) -> Arc<Self> {
        Arc::new(Self {
            apply,
            kind,
            workers,
            waiting: Mutex::new(Waiting {
                items: Vec::new(),
                at_work: 0,
            }),
        })
    }

    /// Returns once the item is durable.
    pub(crate) async fn run(self: &Arc<Self>, state: &Arc<State>, item: T) -> Stored<()> {
        let (sender, outcome) = oneshot::channel();
        let work = {
            let mut waiting = self.lock();
            waiting.items.push((item, sender));
            let work = waiting.at_work < self.workers;
            waiting.at_work += usize::from(work);
            work
        };
        if work {
            let (gather, state) = (Arc::clone(self), Arc::clone(state));
            tokio::spawn(async move {
                while let Some(items) = gather.next() {
                    gather.together(&state, items).await;
                }
            });
        }
        outcome.await.map_err(|_| StoreError::Closed)?
    }

    /// What waits. Where nothing does, whoever asks stops working.
    fn next(&self) -> Option<Vec<Item<T>>> {
        let mut waiting = self.lock();
        if waiting.items.is_empty() {
            waiting.at_work -= 1;
            return None;
        }
        let some = waiting.items.len().min(TOGETHER);
        Some(waiting.items.drain(..some).collect())
    }

    async fn together(&self, state: &State, items: Vec<Item<T>>) {
        let (items, callers): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let items = Arc::new(items);
        let done = self.write(state, Arc::clone(&items), None).await;
        let alone = items.len() > 1 && done.as_ref().is_err_and(StoreError::is_of_one);
        for (place, caller) in callers.into_iter().enumerate() {
            let outcome = match &done {
                Ok(()) => Ok(()),
                // One of them spoils it for the others: each by itself.
                Err(_) if alone => self.write(state, Arc::clone(&items), Some(place)).await,
                Err(error) => Err(StoreError::Together(error.to_string())),
            };
            // The caller may have given up; the work is done all the same.
            let _ = caller.send(outcome);
        }
    }

    /// Does all of the items, or one.
    async fn write(&self, state: &State, items: Arc<Vec<T>>, only: Option<usize>) -> Stored<()> {
        let apply = self.apply;
        let job = move |sql: &dyn Sql| match only {
            None => apply(sql, &items),
            Some(place) => apply(sql, items.get(place..=place).unwrap_or_default()),
        };
        match self.kind {
            Kind::Appending => state.store.append(job).await,
            Kind::Changing => state.store.write(job).await,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
