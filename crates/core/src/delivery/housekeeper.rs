//! What is done at the start and every hour: registration, key packages, expiry.

mod grants;

use super::Context;
use super::backoff::Backoff;
use super::context::Trouble;
use super::wake::clock_jumped;
use crate::messages;
use crate::relay::RelayError;
use crate::relay::key_packages::{self, KeeperError};
use crate::views::{ErrorView, shown};
use sotto_wire::relay_api::Paused;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60 * 60);
/// Several key packages are claimed together when they are claimed at all.
const LITTLE_LATER: Duration = Duration::from_secs(5);

pub(super) async fn run(context: Arc<Context>, stop: CancellationToken) {
    let mut backoff = Backoff::default();
    let mut try_again = context.try_again.subscribe();
    let mut strange = grants::Strange::new();
    loop {
        let wait = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            outcome = look_after(&context, &mut strange) => match outcome {
                Ok(()) => {
                    backoff.reset();
                    EVERY
                }
                Err(error) => {
                    tracing::warn!(%error, "housekeeping goes on later");
                    backoff.next(&*context.random)
                }
            },
        };
        let asked_for = async {
            context.look_after.notified().await;
            tokio::time::sleep(LITTLE_LATER).await;
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            () = asked_for => {}
            // Whether the clock was wrong or is now: what it was used for is looked at anew.
            () = clock_jumped(&*context.clock) => {}
            // Only what failed is to be tried again before its time.
            Ok(()) = try_again.changed(), if wait < EVERY => {}
        }
    }
}

async fn look_after(context: &Context, strange: &mut grants::Strange) -> Result<(), KeeperError> {
    let done = at_the_relay(context, strange).await;
    let wrong = match &done {
        // Shown as the connection's own.
        Ok(()) | Err(KeeperError::Relay(_)) => None,
        Err(error) => Some(ErrorView::with_detail(shown(error.code()), error)),
    };
    context.set_trouble(Trouble::KeyPackages, wrong);
    // Time ends messages, requests and keys for good. A clock that has jumped a year ahead would end
    // all of them at once: only one that the relay's agrees with may.
    if !matches!(done, Err(KeeperError::Relay(_))) && !context.relays.clock_is_wrong() {
        let tidied = context.database.write(|tx| messages::housekeep(tx)).await;
        let failed = tidied.err().map(|error| {
            tracing::error!(%error, "the database could not be tidied up");
            ErrorView::with_detail(shown(error.code()), error)
        });
        context.set_trouble(Trouble::Tidying, failed);
    }
    done
}

async fn at_the_relay(context: &Context, strange: &mut grants::Strange) -> Result<(), KeeperError> {
    register_if_needed(context).await?;
    if let Err(error) = grants::reconcile(context, strange).await {
        tracing::warn!(%error, "grants are compared later");
    }
    let Context {
        database,
        relays,
        own,
        clock,
        ..
    } = context;
    key_packages::reconcile(database, relays, &own.domain, &**clock).await
}

/// A relay that has lost its data, or has an older roster, is told again.
async fn register_if_needed(context: &Context) -> Result<(), RelayError> {
    match context.relays.registration(&context.own.domain).await {
        Ok(status) if status.roster_seq >= context.own.roster_seq => {
            declared(context, status.paused).await
        }
        Ok(_) | Err(RelayError::NotRegistered | RelayError::Refused { status: 404, .. }) => {
            tracing::info!("registering at the relay");
            context.relays.register(&context.own).await?;
            declared(context, None).await
        }
        Err(error) => Err(error),
    }
}

/// Says so where the relay does not find this account's key declared and lets nobody new write, unless
/// it finds it when it looks again.
async fn declared(context: &Context, paused: Option<Paused>) -> Result<(), RelayError> {
    let paused = match paused {
        None => None,
        Some(_) => {
            let domain = &context.own.domain;
            context.relays.look_at_declaration(domain).await?.paused
        }
    };
    let code = paused.map(|why| match why {
        Paused::Gone => "relay.paused_gone",
        Paused::KeyChanged => "relay.paused_key",
        Paused::Refused => "relay.paused_refused",
    });
    context.set_trouble(Trouble::Declaration, code.map(ErrorView::new));
    Ok(())
}
