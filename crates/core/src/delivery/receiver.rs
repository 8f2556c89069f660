//! The receiver: keeps the event socket of the own relay open (docs/protocol.md §4.7).

mod acquaintance;
mod batch;
mod introductions;
mod pool;
mod session;

use super::Context;
use super::backoff::Backoff;
use super::wake;
use crate::relay::RelayError;
use crate::views::{ConnectionState, ErrorView};
pub(super) use session::{End, Place, Session};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A session that lasted this long was a good one, however it ended.
const GOOD: Duration = Duration::from_secs(30);

pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut backoff = Backoff::default();
    loop {
        context.set_connection(ConnectionState::Connecting, None);
        let begun = tokio::time::Instant::now();
        let end = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            end = one_session(&context) => end,
        };
        if begun.elapsed() > GOOD {
            backoff.reset();
        }
        let (error, asked) = match end {
            // Nothing is wrong with the relay: at once.
            End::Woken => continue,
            End::Restarting(after) => (RelayError::Unreachable, after),
            End::Relay(error) => (error, Duration::ZERO),
        };
        tracing::info!(%error, "not connected to the relay");
        let shown = ErrorView::with_detail(error.code(), &error);
        context.set_connection(ConnectionState::Offline, Some(shown));
        let wait = asked + backoff.next(&*context.random);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = until_next_attempt(&context, wait) => {}
        }
    }
    context.set_connection(ConnectionState::Offline, None);
}

async fn one_session(context: &Arc<Context>) -> End {
    let Context {
        relays,
        sockets,
        own,
        random,
        ..
    } = &**context;
    let open = || sockets.open(relays, &own.domain, &**random);
    let opened = match open().await {
        Err(RelayError::NotRegistered) => {
            // It has lost its data: the key packages too.
            context.look_after.notify_one();
            match relays.register(own).await {
                Ok(()) => open().await,
                Err(error) => Err(error),
            }
        }
        outcome => outcome,
    };
    match opened {
        Ok(socket) => {
            Session::new(Arc::clone(context), Place::Own, socket)
                .run()
                .await
        }
        Err(error) => End::Relay(error),
    }
}

/// Sooner where the user wants it or the machine has just woken up.
async fn until_next_attempt(context: &Context, wait: Duration) {
    let mut try_again = context.try_again.subscribe();
    tokio::select! {
        biased;
        () = tokio::time::sleep(wait) => {}
        Ok(()) = try_again.changed() => {}
        () = wake::clock_jumped(&*context.clock) => {}
    }
}
