//! Relays that are struck again and again while many put and fetch: every put that was answered with
//! the promise of §4.6 arrives, once after deduplication, and what comes to a grant keeps its order.

mod place;
mod receiver;
mod sender;
mod tally;

pub use place::Case;
pub use tally::Findings;

use crate::dice::Dice;
use crate::mailbox::Mailbox;
use crate::network::network;
use place::Place;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tally::Tally;
use tokio::task::JoinSet;

/// Grants of one device, each with a sender.
const SENDERS: u64 = 8;
/// Without any arrival for so long, what is missing counts as lost.
const STANDSTILL: Duration = Duration::from_secs(40);
/// The longest time between two strikes, in milliseconds.
const PAUSE: u64 = 800;

/// How long it goes on: until there were so many of both.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Puts that were answered with the promise.
    pub puts: usize,
    /// Strikes.
    pub strikes: usize,
    /// Decides when they fall.
    pub seed: u64,
}

/// Runs one case; nothing where this machine does not let it be tried.
///
/// # Panics
/// When something does not start (again).
pub async fn run(case: Case, plan: Plan) -> Option<Findings> {
    let mut dice = Dice::new(plan.seed);
    let mut place = Place::build(case).await?;
    let doors = place.doors();
    // One fetches by the socket, the other by pages.
    let [alice, bob] = [
        Arc::new(Mailbox::registered(network(), "alice", place.domain(), &doors).await),
        Arc::new(Mailbox::registered(network(), "bob", place.domain(), &doors).await),
    ];
    let begun = Instant::now();
    let tally = Arc::new(Tally::new(2 * usize::try_from(SENDERS).unwrap_or(0)));
    let (ending, fetched) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let mut sending = JoinSet::new();
    for mailbox in [&alice, &bob] {
        for grant in mailbox.grants(SENDERS).await.expect("grants") {
            let sender = sending.len();
            sending.spawn(sender::run(
                Arc::clone(mailbox),
                grant,
                sender,
                Arc::clone(&tally),
                Arc::clone(&ending),
            ));
        }
    }
    let mut fetching = JoinSet::new();
    fetching.spawn(receiver::by_events(
        alice,
        Arc::clone(&tally),
        Arc::clone(&fetched),
    ));
    fetching.spawn(receiver::by_pages(
        bob,
        Arc::clone(&tally),
        Arc::clone(&fetched),
    ));

    let mut strikes = 0;
    while strikes < plan.strikes || tally.promised() < plan.puts {
        dice.pause(PAUSE).await;
        place.strike(&mut dice, &tally).await;
        strikes += 1;
        goes_on(&tally).await;
    }
    ending.store(true, Ordering::Release);
    while let Some(ended) = sending.join_next().await {
        ended.expect("a sender");
    }
    arrived(&tally).await;
    fetched.store(true, Ordering::Release);
    while let Some(ended) = fetching.join_next().await {
        ended.expect("a receiver");
    }
    Some(tally.findings(strikes, begun.elapsed()))
}

/// Waits until something arrives again, where something is on its way: on a slow machine strikes would
/// otherwise follow each other faster than anything starts.
async fn goes_on(tally: &Tally) {
    let (before, since) = (tally.arrived(), Instant::now());
    while tally.arrived() == before && tally.missing() > 0 && since.elapsed() < STANDSTILL {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until everything is there, or nothing comes any more.
async fn arrived(tally: &Tally) {
    let mut before = (tally.missing(), Instant::now());
    while before.0 > 0 && before.1.elapsed() < STANDSTILL {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let missing = tally.missing();
        if missing != before.0 {
            before = (missing, Instant::now());
        }
    }
}
