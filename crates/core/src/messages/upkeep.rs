//! What happens to messages by hand or by time.

use super::{EngineError, attach, content, renew, repair, requests};
use crate::db::WriteTx;
use crate::inbox::seen;
use crate::mls::key_packages;
use crate::outbox::{self, grant_stock};

/// Tries one of the own messages again: its stored bytes are due now, or, where they are gone, it
/// is sealed anew; where it waits for a file, that is tried again. Nothing happens to a message that is delivered.
///
/// # Errors
/// [`EngineError::UnknownMessage`], [`EngineError::Db`].
pub fn retry(tx: &WriteTx<'_>, message: i64) -> Result<(), EngineError> {
    if attach::retry(tx, message)? || outbox::retry(tx, message)? {
        Ok(())
    } else {
        Err(EngineError::UnknownMessage)
    }
}

/// Gives up what has not been acknowledged for 30 days, and forgets digests, nonces, requests,
/// key packages and content about other messages past their time. To be called at the start and every hour or so.
///
/// # Errors
/// [`EngineError::Db`].
pub fn housekeep(tx: &WriteTx<'_>) -> Result<(), EngineError> {
    outbox::expire(tx)?;
    content::tell_unheard(tx)?;
    seen::forget(tx)?;
    requests::expire(tx)?;
    renew::forget_retired(tx, false)?;
    content::forget_early(tx)?;
    key_packages::prune(tx)?;
    grant_stock::forget_expired(tx)?;
    repair::carry_out(tx)?;
    repair::forget(tx)?;
    Ok(())
}
