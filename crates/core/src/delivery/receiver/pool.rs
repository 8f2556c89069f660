//! Who waits in the relay's pool, and what is done with them (docs/protocol.md §3.5, §4.5).

use super::session::Place;
use crate::db::{DbError, ReadTx};
use crate::delivery::Context;
use crate::messages::EngineError;
use crate::messages::requests::{self, Verdict};
use crate::relay::RelayError;
use sotto_wire::did::Did;
use sotto_wire::relay_api::Adjudication;

const AT_ONCE: usize = 200;

/// Why the pool was not emptied.
pub(super) enum PoolError {
    Relay(RelayError),
    Engine(EngineError),
}

/// Empties the pool: while someone is left in it, the relay does not tell of anyone new.
pub(super) async fn empty(context: &Context, place: &Place) -> Result<(), PoolError> {
    let (relays, domain) = (place.relays(context), place.domain(context));
    let pool = relays.pool(domain).await.map_err(PoolError::Relay)?;
    for some in pool.dids.chunks(AT_ONCE) {
        let (some, own_did) = (some.to_vec(), context.own.did.clone());
        let judged = context
            .database
            .read::<_, DbError>(move |tx| judge(tx, some, &own_did));
        let decision = judged
            .await
            .map_err(|error| PoolError::Engine(error.into()))?;
        relays
            .adjudicate(domain, &decision)
            .await
            .map_err(PoolError::Relay)?;
    }
    Ok(())
}

fn judge(tx: &ReadTx<'_>, dids: Vec<Did>, own: &Did) -> Result<Adjudication, DbError> {
    let mut decision = Adjudication::default();
    for did in dids {
        let verdict = if did == *own {
            Verdict::Discard
        } else {
            requests::verdict(tx, &did)?
        };
        match verdict {
            Verdict::Provision => decision.provision.push(did),
            Verdict::Release => decision.release.push(did),
            Verdict::Discard => decision.discard.push(did),
        }
    }
    Ok(decision)
}
