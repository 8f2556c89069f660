//! The did:plc operation log (docs/protocol.md §1.4 step 1): what the account's rotation keys have
//! signed, from the operation that the DID is the hash of to the one in force.
//!
//! The directory that serves it is trusted for nothing but to serve it: every operation is hashed
//! and its signature verified here, and what was seen once has to be there the next time.

use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;

use crate::did_document::DocumentError;
use crate::http::HttpError;
use crate::network::{self, Network};
use crate::verify::VerifyError;

mod entry;
mod error;
mod history;
mod known;
mod operation;
mod replay;

pub use error::LogError;
pub use history::LoggedOperation;
pub(crate) use history::VerifiedLog;
pub use known::{InvalidKnownLog, KnownLog};
pub(crate) use operation::State;
#[cfg(feature = "testing")]
pub(crate) use operation::did_of;

/// The largest log that is read, in bytes.
pub const MAX_LOG: usize = 4 * 1024 * 1024;

/// Verifies the answer to `GET {directory}/{did}/log/audit`. `known` is what an earlier
/// verification of the same log has kept: its operations have to be there again, at the same
/// places, and their signatures are not verified once more.
///
/// # Errors
/// [`LogError`].
pub(crate) fn verify(
    body: &[u8],
    did: &Did,
    known: Option<&KnownLog>,
    now: Timestamp,
) -> Result<VerifiedLog, LogError> {
    let known = known.filter(|known| known.did() == did);
    let entries = entry::read(body, did, now)?;
    if let Some(known) = known {
        known.check_prefix(&entries)?;
    }
    let replayed = replay::replay(&entries, did, known)?;
    let known = KnownLog::of(did, &entries, &replayed.signers, known, now);
    VerifiedLog::new(entries, &replayed.valid, known)
}

impl Network {
    /// The verified log of a did:plc account.
    pub(crate) async fn plc_log(
        &self,
        did: &Did,
        known: Option<&KnownLog>,
        now: Timestamp,
    ) -> Result<VerifiedLog, VerifyError> {
        let url = network::with_path(&self.endpoints.plc, &[did.as_str(), "log", "audit"]);
        let answer = self.get(url, MAX_LOG).await.map_err(|error| match error {
            HttpError::OutOfBounds => VerifyError::Log(LogError::TooLarge),
            _ => VerifyError::Document(DocumentError::PlcUnreachable),
        })?;
        match answer.status {
            200..300 => {}
            429 | 500.. => return Err(DocumentError::PlcUnreachable.into()),
            _ => return Err(DocumentError::Unresolvable.into()),
        }
        let (did, known) = (did.clone(), known.cloned());
        // A stranger may have signed thousands of operations.
        let work = move || verify(&answer.body, &did, known.as_ref(), now);
        match tokio::task::spawn_blocking(work).await {
            Ok(verified) => Ok(verified?),
            // The runtime is shutting down.
            Err(_) => Err(DocumentError::PlcUnreachable.into()),
        }
    }
}

#[cfg(test)]
mod tests;
