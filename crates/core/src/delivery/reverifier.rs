//! Verifies peers anew (docs/protocol.md §1.5): every day, and whenever something says that a key
//! may have changed. One at a time, and never in the way of messages.

use super::Context;
use crate::db::peers;
use crate::discovery::Discovery;
use crate::messages::renew;
use sotto_wire::did::Did;
use sotto_wire::random::{self, Random};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A verification counts for a day at most, and for this much less at random: the peers of one
/// evening are not all verified in one minute of the next.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const EARLIER_MS: u64 = 4 * 60 * 60 * 1000;
/// How long nothing has to be due until it is looked for again.
const LOOK_EVERY: Duration = Duration::from_secs(5 * 60);
/// Between two peers, and before the first; half of it at random.
const PAUSE: Duration = Duration::from_secs(10);
/// What failed is tried again after this.
const AFTER_FAILURE: Duration = Duration::from_secs(60 * 60);
/// A suspicion costs at most one verification in this time.
const AT_MOST_EVERY: Duration = Duration::from_secs(5 * 60);
/// Document, log and record together.
const PATIENCE: Duration = Duration::from_secs(60);
/// Suspects at a time; more of them at once are a flood.
const MAX_SUSPECTS: usize = 256;

/// Peers whose key may have changed, according to a frame or to the relay.
#[derive(Default)]
pub(crate) struct Suspects {
    waiting: Mutex<BTreeSet<Did>>,
    news: Notify,
}

impl Suspects {
    /// Has a peer verified anew, soon.
    pub(super) fn add(&self, did: &Did) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MAX_SUSPECTS && waiting.insert(did.clone()) {
            self.news.notify_one();
        }
    }

    fn take(&self) -> Option<Did> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pop_first()
    }
}

/// When each peer was tried last.
#[derive(Default)]
struct Attempts(HashMap<Did, Instant>);

impl Attempts {
    fn within(&self, time: Duration) -> Vec<Did> {
        let recent = self.0.iter().filter(|(_, at)| at.elapsed() < time);
        recent.map(|(did, _)| did.clone()).collect()
    }

    fn note(&mut self, did: &Did) {
        self.0.retain(|_, at| at.elapsed() < AFTER_FAILURE);
        self.0.insert(did.clone(), Instant::now());
    }
}

pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut attempts = Attempts::default();
    let mut wait = pause(&*context.random);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = context.suspects.news.notified() => {}
        }
        let turn = turn(
            &context.discovery,
            &context.suspects,
            &*context.random,
            &mut attempts,
        );
        wait = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            did_something = turn => {
                if did_something { pause(&*context.random) } else { LOOK_EVERY }
            }
        };
    }
}

/// Verifies all suspects, or else the one peer that has waited longest, if its day has come.
async fn turn(
    discovery: &Discovery,
    suspects: &Suspects,
    random: &dyn Random,
    attempts: &mut Attempts,
) -> bool {
    let mut any = false;
    while let Some(did) = suspects.take() {
        if !attempts.within(AT_MOST_EVERY).contains(&did) {
            attempts.note(&did);
            again(discovery, &did).await;
            any = true;
        }
    }
    if any {
        return true;
    }
    let Some(did) = due(discovery, random, attempts).await else {
        return false;
    };
    attempts.note(&did);
    again(discovery, &did).await;
    true
}

async fn due(discovery: &Discovery, random: &dyn Random, attempts: &Attempts) -> Option<Did> {
    let earlier = EARLIER_MS * u64::from(share(random)) / u64::from(u16::MAX);
    let now = discovery.clock.now_ms();
    let before = now.saturating_sub(DAY_MS - earlier);
    let but = attempts.within(AFTER_FAILURE);
    let read = discovery
        .database
        .read(move |tx| peers::verified_before(tx, before, now, &but));
    read.await.unwrap_or_else(|error| {
        tracing::error!(%error, "the peers to be verified could not be read");
        None
    })
}

/// Looks at a peer's account and devices and notes what came of it. What may work later changes
/// nothing.
async fn again(discovery: &Discovery, did: &Did) {
    let noted = match tokio::time::timeout(PATIENCE, discovery.check(did)).await {
        Ok(Ok(found)) => {
            let write = discovery
                .database
                .write(move |tx| renew::checked(tx, &found.pin, found.roster.as_ref()));
            write.await.map_err(|error| error.to_string())
        }
        Ok(Err(error)) if !error.is_temporary() => {
            tracing::warn!(code = error.code(), "a peer no longer verifies");
            let held = discovery.hold_back(did, &error).await;
            held.map_err(|error| error.to_string())
        }
        Ok(Err(error)) => {
            tracing::info!(code = error.code(), "a peer is verified later");
            Ok(())
        }
        Err(_) => {
            tracing::info!("a peer is verified later: its servers are slow");
            Ok(())
        }
    };
    if let Err(error) = noted {
        tracing::error!(error, "the verification of a peer could not be noted");
    }
}

/// Between half and all of [`PAUSE`].
fn pause(random: &dyn Random) -> Duration {
    PAUSE / 2 + (PAUSE / 2).mul_f64(f64::from(share(random)) / f64::from(u16::MAX))
}

fn share(random: &dyn Random) -> u16 {
    u16::from_be_bytes(random::array(random))
}

#[cfg(test)]
mod tests;
