//! Submitting an operation until it is known what became of it.

use std::time::Duration;

use sotto_wire::did::Did;

use crate::directory::Last;
use crate::plc_operation::SignedOperation;
use crate::state::State;
use crate::upstream::Submitted;

const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in the log.
    Done,
    /// It is not, and will not be.
    Refused,
    /// Nobody said.
    Unknown,
}

/// Submits `operation`. The log decides, not the answer: one that got lost may have been good news,
/// and the second of two submissions is refused because of the first.
pub(super) async fn submit(state: &State, did: &Did, operation: &SignedOperation) -> Outcome {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let submitted = state.upstream.submit(did, &operation.json).await;
        if submitted == Submitted::Done {
            return Outcome::Done;
        }
        match state.directory.last(did).await {
            Ok(Last::Operation(last)) if last.cid == operation.cid => return Outcome::Done,
            Ok(_) if submitted == Submitted::Refused => return Outcome::Refused,
            _ => {}
        }
    }
    Outcome::Unknown
}
