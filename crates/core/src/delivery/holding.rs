//! Peers whose account does not verify any more: nothing goes out to them (docs/protocol.md §1.9,
//! §1.10).

use super::Context;
use crate::discovery::DiscoveryError;
use crate::messages::{EngineError, renew};
use sotto_wire::did::Did;

/// Holds everything back where the account is proved not to verify.
pub(super) async fn hold_back(
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
