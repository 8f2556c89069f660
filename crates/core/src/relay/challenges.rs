//! Challenges, kept and used again within their life (docs/protocol.md §4.2).

use sotto_wire::challenge::Realm;
use sotto_wire::domain::Domain;
use sotto_wire::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A request has to arrive before the challenge ends.
const MARGIN_S: u64 = 10;
/// Far more grants than are written to at the same time.
const MAX_KEPT: usize = 1024;

/// What a challenge is good for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Purpose {
    pub(crate) domain: Domain,
    pub(crate) realm: Realm,
    pub(crate) subject: String,
}

struct Kept {
    challenge: String,
    expires: Timestamp,
}

/// The challenges at hand.
#[derive(Default)]
pub(crate) struct Challenges(Mutex<HashMap<Purpose, Kept>>);

impl Challenges {
    /// One that is still good at `now`.
    pub(crate) fn get(&self, purpose: &Purpose, now: Timestamp) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept
            .get(purpose)
            .filter(|kept| kept.expires > now.plus(MARGIN_S))?;
        Some(kept.challenge.clone())
    }

    /// Keeps one for the next time.
    pub(crate) fn keep(&self, purpose: Purpose, challenge: String, expires: Timestamp) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(purpose, Kept { challenge, expires });
    }

    /// Forgets one that was refused.
    pub(crate) fn forget(&self, purpose: &Purpose) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(purpose);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purpose(subject: &str) -> Purpose {
        let domain = Domain::parse("relay.example").unwrap();
        Purpose {
            domain,
            realm: Realm::GrantPut,
            subject: subject.into(),
        }
    }

    #[test]
    fn a_challenge_is_used_until_shortly_before_its_end() {
        let challenges = Challenges::default();
        challenges.keep(purpose("a"), "c".into(), Timestamp(100));
        assert_eq!(
            challenges.get(&purpose("a"), Timestamp(89)).as_deref(),
            Some("c")
        );
        assert_eq!(challenges.get(&purpose("a"), Timestamp(90)), None);
        assert_eq!(challenges.get(&purpose("b"), Timestamp(1)), None);
        challenges.forget(&purpose("a"));
        assert_eq!(challenges.get(&purpose("a"), Timestamp(1)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let challenges = Challenges::default();
        for n in 0..=MAX_KEPT {
            challenges.keep(purpose(&n.to_string()), "c".into(), Timestamp(100));
        }
        assert!(challenges.0.lock().unwrap().len() <= MAX_KEPT);
    }
}
