//! Relays that the account has left: what still comes there is collected until nothing more can come
//! (docs/protocol.md §4.9). None of them is asked for anything but the own mail, and one that is gone
//! keeps nothing from working.

use super::Context;
use super::backoff::Backoff;
use super::receiver::{End, Place, Session};
use crate::db::own_move::{self, Former};
use crate::db::{DbError, ReadTx, WriteTx, attachments};
use crate::outbox::grant_stock;
use crate::relay::{RelayError, Relays};
use sotto_wire::domain::Domain;
use sotto_wire::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const DAY: u64 = 24 * 60 * 60 * 1000;
/// Whoever knew the account has looked at it anew by then (§1.4), in milliseconds.
const AT_LEAST: u64 = 2 * DAY;
/// What was not put by then has failed at its sender (§3.3), in milliseconds.
const AT_MOST: u64 = 31 * DAY;
/// Objects of sent files are kept for this long (§4.8), in milliseconds.
const FILES: u64 = 45 * DAY;
/// How often it is looked whether something may still come.
const LOOK_EVERY: Duration = Duration::from_secs(10 * 60);

/// What a relay that was left is still good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Awaited {
    /// Peers who have not been seen to use a grant at a later relay.
    pub(crate) peers: u32,
    /// Files that were sent from there may still be fetched.
    pub(crate) files: bool,
    /// The moment after which nothing is collected, whatever is missing; milliseconds since 1970.
    pub(crate) until: u64,
    /// Nothing more can come.
    pub(crate) over: bool,
}

/// What may still come to a relay that was left.
///
/// # Errors
/// When the database fails.
pub(crate) fn awaited(tx: &ReadTx<'_>, former: &Former) -> Result<Awaited, DbError> {
    let now = tx.clock_now_ms();
    let peers = grant_stock::awaited(tx, &former.domain, Timestamp(now / 1000))?;
    let files = attachments::sent_from(tx, &former.domain, now.saturating_sub(FILES))?;
    let until = former
        .left_at
        .saturating_add(if files { FILES } else { AT_MOST });
    let quiet = peers == 0 && !files && former.left_at.saturating_add(AT_LEAST) <= now;
    let fetched = former
        .reached_at
        .is_some_and(|at| at.saturating_add(DAY) > now);
    Ok(Awaited {
        peers,
        files,
        until,
        over: until <= now || quiet && fetched,
    })
}

/// Collects at every relay that was left.
pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let former = match context.database.read(|tx| own_move::former(tx)).await {
        Ok(former) => former,
        Err(error) => {
            tracing::error!(%error, "relays that were left cannot be read");
            return;
        }
    };
    let collecting = TaskTracker::new();
    for Former { domain, .. } in former {
        collecting.spawn(collect(Arc::clone(&context), domain, stop.clone()));
    }
    collecting.close();
    collecting.wait().await;
}

async fn collect(context: Arc<Context>, domain: Domain, stop: CancellationToken) {
    let place = Place::Former {
        domain: domain.clone(),
        // Of its own: what its clock says is no second opinion.
        relays: context.relays.apart(),
    };
    let mut backoff = Backoff::default();
    loop {
        let end = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = until_over(&context, &domain) => break,
            end = one_session(&context, &place) => end,
        };
        let mut asked = Duration::ZERO;
        match end {
            End::Woken => {
                backoff.reset();
                continue;
            }
            End::Restarting(after) => asked = after,
            // It has forgotten the account: there is nothing to fetch.
            End::Relay(RelayError::NotRegistered) => break,
            End::Relay(error) => tracing::info!(%error, "not connected to a relay that was left"),
        }
        let wait = asked + backoff.next(&*context.random);
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = until_over(&context, &domain) => break,
            () = tokio::time::sleep(wait) => {}
        }
    }
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = leave(&context, place.relays(&context), &domain) => {}
    }
}

async fn one_session(context: &Arc<Context>, place: &Place) -> End {
    let (relays, domain) = (place.relays(context), place.domain(context));
    match context.sockets.open(relays, domain, &*context.random).await {
        Ok(socket) => {
            // So that it can say so, too. Nothing depends on it.
            if let Err(error) = relays.drain_grants(domain, true).await {
                tracing::info!(%error, "a relay that was left does not note it");
            }
            Session::new(Arc::clone(context), place.clone(), socket)
                .run()
                .await
        }
        Err(error) => End::Relay(error),
    }
}

async fn until_over(context: &Context, domain: &Domain) {
    loop {
        // What may end by time does not while nobody can say what time it is.
        if !context.relays.clock_is_wrong() && is_over(context, domain).await {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn is_over(context: &Context, domain: &Domain) -> bool {
    let domain = domain.clone();
    let read = context.database.read(move |tx| {
        // It is about to be the own relay again.
        if own_move::load(tx)?.is_some_and(|to| to.domain == domain) {
            return Ok(false);
        }
        let former = own_move::former(tx)?;
        let former = former.into_iter().find(|it| it.domain == domain);
        former.map_or(Ok(true), |it| Ok(awaited(tx, &it)?.over))
    });
    read.await.unwrap_or_else(|error: DbError| {
        tracing::error!(%error, "it cannot be read what may still come");
        false
    })
}

/// Goes from a relay for good. One that does not answer is left as it is.
async fn leave(context: &Context, relays: &Relays, domain: &Domain) {
    match relays.unregister(domain).await {
        Ok(()) | Err(RelayError::NotRegistered) => tracing::info!("a relay was left for good"),
        Err(error) => tracing::info!(%error, "a relay that was left is not told so"),
    }
    let domain = domain.clone();
    let forget = move |tx: &mut WriteTx<'_>| {
        grant_stock::void_at(tx, &domain)?;
        own_move::forget_former(tx, &domain)
    };
    if let Err(error) = context.database.write(forget).await {
        tracing::error!(%error, "a relay that was left cannot be forgotten");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Party, TestClock};
    use sotto_wire::time::Clock as _;

    #[test]
    fn a_relay_is_left_for_good_when_nothing_can_come_or_after_a_month() {
        let alice = Party::new("alice", &TestClock::new());
        let now = alice.clock.now_ms();
        let domain = Domain::parse("old.example").unwrap();
        let over = |left: u64, reached: Option<u64>| {
            let former = Former {
                domain: domain.clone(),
                left_at: now - left,
                reached_at: reached.map(|ago| now - ago),
            };
            alice.read(move |tx| awaited(tx, &former)).over
        };
        assert!(
            !over(AT_LEAST - 1, Some(0)),
            "someone may not have looked yet"
        );
        assert!(over(AT_LEAST, Some(0)));
        assert!(!over(AT_LEAST, None), "something may lie there");
        assert!(!over(AT_LEAST, Some(DAY)), "something may have come since");
        assert!(over(AT_MOST, None), "it never answered");
    }
}
