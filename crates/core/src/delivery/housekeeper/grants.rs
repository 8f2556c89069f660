//! Grants that lie at the own relay and are not known here (docs/protocol.md §3.7, §4.6).

use crate::db::{DbError, WriteTx};
use crate::delivery::Context;
use crate::messages::{EngineError, repair};
use crate::outbox::grant_stock::{self, Known};
use crate::relay::RelayError;
use sotto_wire::grant::Address;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// A grant that the relay has just issued may not be stored here yet.
const SURE_AFTER: Duration = Duration::from_secs(10 * 60);

/// Grants that were not known here when they were first seen at the relay.
pub(super) type Strange = HashMap<Address, Instant>;

/// Invalidates what is void, and what this device does not remember: it was set back.
pub(super) async fn reconcile(context: &Context, strange: &mut Strange) -> Result<(), GrantsError> {
    let domain = &context.own.domain;
    let now = context.clock.now();
    let mut there = context.relays.granted(domain).await?;
    there.retain(|grant| grant.expires > now);
    let addresses: Vec<Address> = there.into_iter().map(|grant| grant.address).collect();
    let (mut dead, mut unknown) = (Vec::new(), Vec::new());
    let known = {
        let addresses = addresses.clone();
        let read = context.database.read(move |tx| {
            let known = addresses.iter().map(|it| grant_stock::known(tx, it));
            known.collect::<Result<Vec<_>, DbError>>()
        });
        read.await?
    };
    for (address, known) in addresses.into_iter().zip(known) {
        match known {
            Known::Live => {}
            Known::Void => dead.push(address),
            Known::Never => unknown.push(address),
        }
    }
    strange.retain(|address, _| unknown.contains(address));
    for address in unknown {
        let since = *strange.entry(address.clone()).or_insert_with(Instant::now);
        if since.elapsed() >= SURE_AFTER {
            dead.push(address);
        }
    }
    if dead.iter().any(|address| strange.contains_key(address)) {
        let begin = |tx: &mut WriteTx<'_>| repair::everywhere(tx);
        context.database.write(begin).await?;
    }
    for address in dead {
        context.relays.invalidate(domain, &address).await?;
        strange.remove(&address);
    }
    Ok(())
}

/// Why that was not possible.
#[derive(Debug, thiserror::Error)]
pub(super) enum GrantsError {
    #[error(transparent)]
    Relay(#[from] RelayError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Db(#[from] DbError),
}
