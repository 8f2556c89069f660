//! Looking at a peer's account again, beside its messages: they go on while it is asked, and stop
//! where it does not verify any more (docs/protocol.md §1.10 to §1.13).

use super::first_contact::NeedError;
use crate::delivery::Context;
use crate::discovery::DiscoveryError;
use crate::messages::{EngineError, renew};
use sotto_wire::did::Did;

/// Looks, and stores what was found.
pub(super) async fn check(context: &Context, did: &Did) -> Result<(), NeedError> {
    let stored = match context.discovery.check(did).await {
        Ok(found) => {
            let write = context
                .database
                .write(move |tx| renew::checked(tx, &found.pin, found.roster.as_ref()));
            write.await
        }
        Err(error) => {
            context.discovery.hold_back(did, &error).await?;
            return Err(error.into());
        }
    };
    stored.map_err(from_engine)
}

fn from_engine(error: EngineError) -> NeedError {
    match error {
        EngineError::Db(error) => error.into(),
        EngineError::Mls(error) => error.into(),
        _ => NeedError::Discovery(DiscoveryError::Roster),
    }
}
