//! Looking at a peer's account again, beside its messages: they go on while it is asked, and stop
//! where it does not verify any more (docs/protocol.md §1.7 to §1.10).

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
            hold_back(context, did, &error).await?;
            return Err(error.into());
        }
    };
    stored.map_err(from_engine)
}

/// Holds everything back where the account is proved not to verify.
pub(in crate::delivery) async fn hold_back(
    context: &Context,
    did: &Did,
    error: &DiscoveryError,
) -> Result<(), DiscoveryError> {
    let DiscoveryError::Verify(why) = error else {
        return Ok(());
    };
    if why.is_temporary() {
        return Ok(());
    }
    tracing::warn!(code = why.code(), "a peer's account does not verify");
    let hold = context.discovery.hold(did, *why).await;
    let did = did.clone();
    let write = context
        .database
        .write(move |tx| renew::refused(tx, &did, &hold));
    write.await.map_err(|error| match error {
        EngineError::Db(error) => error.into(),
        _ => DiscoveryError::Roster,
    })
}

fn from_engine(error: EngineError) -> NeedError {
    match error {
        EngineError::Db(error) => error.into(),
        EngineError::Mls(error) => error.into(),
        _ => NeedError::Discovery(DiscoveryError::Roster),
    }
}
