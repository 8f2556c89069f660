//! Under which id the key packages for a conversation's next send group are claimed
//! (docs/protocol.md §4.4): the same one until they have come, so that a lost answer costs none.

use sotto_wire::conversation::ConversationId;
use sotto_wire::random::{self, Random};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The claims under way. Not stored: a crash costs a package.
#[derive(Debug, Default)]
pub(crate) struct Claims(Mutex<HashMap<ConversationId, [u8; 16]>>);

impl Claims {
    /// The id of the claim for a conversation.
    pub(super) fn of(&self, conversation: &ConversationId, random: &dyn Random) -> [u8; 16] {
        let mut claims = self.lock();
        *claims
            .entry(*conversation)
            .or_insert_with(|| random::array(random))
    }

    /// The packages have come: the next claim is for others.
    pub(super) fn end(&self, conversation: &ConversationId) {
        self.lock().remove(conversation);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConversationId, [u8; 16]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_wire::random::OsRandom;

    #[test]
    fn a_claim_keeps_its_id_until_it_is_answered() {
        let claims = Claims::default();
        let conversation = ConversationId::from_bytes([1; 32]);
        let other = ConversationId::from_bytes([2; 32]);
        let id = claims.of(&conversation, &OsRandom);
        assert_eq!(claims.of(&conversation, &OsRandom), id);
        assert_ne!(claims.of(&other, &OsRandom), id);
        claims.end(&conversation);
        assert_ne!(claims.of(&conversation, &OsRandom), id);
    }
}
