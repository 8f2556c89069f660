//! Tokens work once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sotto_wire::did::Did;
use sotto_wire::pds_api::ErrorName;
use sotto_wire::time::Timestamp;

use crate::error::ApiError;

/// Tokens remembered at once. They live minutes, and each was signed by an account of this PDS.
const MAX_TOKENS: usize = 100_000;

/// The tokens used since the service was started. Those from before are refused, so that a restart
/// forgets nothing that matters.
pub(crate) struct Replays {
    since: Timestamp,
    spent: Mutex<HashMap<(Did, String), Timestamp>>,
}

impl Replays {
    pub(crate) fn new(since: Timestamp) -> Self {
        let spent = Mutex::default();
        Self { since, spent }
    }

    /// When remembering began.
    pub(crate) fn since(&self) -> Timestamp {
        self.since
    }

    /// Takes note of a token; refuses one that was noted before.
    pub(crate) fn spend(
        &self,
        did: &Did,
        id: &str,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() >= MAX_TOKENS {
            spent.retain(|_, expires| *expires > now);
            // Forgetting one would let it be used again.
            if spent.len() >= MAX_TOKENS {
                return Err(ApiError::busy());
            }
        }
        match spent.insert((did.clone(), id.to_owned()), expires) {
            None => Ok(()),
            Some(_) => Err(ApiError::new(
                ErrorName::JwtReplayed,
                "the token was used before",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_works_once_for_its_account() {
        let replays = Replays::new(Timestamp(0));
        let alice = Did::parse("did:web:alice.example").unwrap();
        let bob = Did::parse("did:web:bob.example").unwrap();
        let spend = |did, id| replays.spend(did, id, Timestamp(60), Timestamp(1));
        assert_eq!(spend(&alice, "1"), Ok(()));
        assert_eq!(spend(&alice, "1").unwrap_err().name, ErrorName::JwtReplayed);
        assert_eq!(spend(&alice, "2"), Ok(()));
        assert_eq!(spend(&bob, "1"), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_nothing_live_is_forgotten() {
        let replays = Replays::new(Timestamp(0));
        let did = Did::parse("did:web:alice.example").unwrap();
        let spend =
            |id: usize, now| replays.spend(&did, &id.to_string(), Timestamp(60), Timestamp(now));
        for id in 0..MAX_TOKENS {
            assert_eq!(spend(id, 1), Ok(()));
        }
        assert_eq!(
            spend(MAX_TOKENS, 1).unwrap_err().name,
            ErrorName::RateLimitExceeded
        );
        assert_eq!(
            spend(MAX_TOKENS, 61),
            Ok(()),
            "the others are past their time"
        );
    }
}
