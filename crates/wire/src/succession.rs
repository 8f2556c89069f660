//! Successions (docs/protocol.md §1.3): a delegate key names the one that follows it.

use serde::{Deserialize, Serialize};

use crate::{
    did::Did,
    key::{PublicKey, SigningKey},
    sign1::{self, Sign1Error, SignedPayload},
    time::Timestamp,
};

/// The longest chain of successions in a record.
pub const MAX_SUCCESSIONS: usize = 32;

/// One step from an older delegate key to a newer one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Succession {
    /// The account.
    pub did: Did,
    /// Grows from step to step.
    pub seq: u64,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// The newer key.
    pub successor: PublicKey,
    /// The older key, which signs.
    pub predecessor: PublicKey,
}

impl SignedPayload for Succession {
    const TYPE: &'static str = "chat.sotto/succession/v1";
}

impl Succession {
    /// The step as a signed object. `key` has to be the predecessor.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        sign1::sign(self, key)
    }

    /// Verifies a step under the older key.
    ///
    /// # Errors
    /// [`Sign1Error`]; [`Sign1Error::Payload`] also where the step names another predecessor.
    pub fn verify(object: &[u8], predecessor: &PublicKey) -> Result<Self, Sign1Error> {
        let step: Self = sign1::verify(object, predecessor)?;
        if step.predecessor == *predecessor {
            Ok(step)
        } else {
            Err(Sign1Error::Payload)
        }
    }
}

/// Whether the chain (oldest first) leads from a key known earlier to the current one (§1.4 step 5).
///
/// The whole chain has to hold, also its part before `known`: every step signed by its
/// predecessor, for this account, with growing `seq`, ending at `current`. No chain is needed where
/// both keys are the same.
#[must_use]
pub fn leads_from(known: &PublicKey, chain: &[Vec<u8>], current: &PublicKey, did: &Did) -> bool {
    if chain.len() > MAX_SUCCESSIONS {
        return false;
    }
    known == current || predecessors(chain, current, did).contains(known)
}

/// The older keys from which the chain leads to the current one, oldest first. None at all where the
/// chain does not hold, see [`leads_from`].
#[must_use]
pub fn predecessors(chain: &[Vec<u8>], current: &PublicKey, did: &Did) -> Vec<PublicKey> {
    if chain.len() > MAX_SUCCESSIONS {
        return Vec::new();
    }
    passed(chain, current, did).unwrap_or_default()
}

fn passed(chain: &[Vec<u8>], current: &PublicKey, did: &Did) -> Result<Vec<PublicKey>, Sign1Error> {
    let mut keys = Vec::with_capacity(chain.len());
    let mut last: Option<Succession> = None;
    for object in chain {
        let predecessor = match &last {
            Some(last) => last.successor,
            None => sign1::parse_unverified::<Succession>(object)?.predecessor,
        };
        let step = Succession::verify(object, &predecessor)?;
        let grows = last.as_ref().is_none_or(|last| last.seq < step.seq);
        if step.did != *did || !grows {
            return Ok(Vec::new());
        }
        keys.push(step.predecessor);
        last = Some(step);
    }
    let arrives = last.is_some_and(|last| last.successor == *current);
    Ok(if arrives { keys } else { Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> SigningKey {
        SigningKey::from_seed(&[n; 32])
    }

    fn did() -> Did {
        Did::parse("did:web:alice.example").unwrap()
    }

    fn step(from: u8, to: u8, seq: u64) -> Vec<u8> {
        let step = Succession {
            did: did(),
            seq,
            issued_at: Timestamp(1_700_000_000),
            successor: key(to).public(),
            predecessor: key(from).public(),
        };
        step.sign(&key(from))
    }

    fn leads(known: u8, chain: &[Vec<u8>], current: u8) -> bool {
        leads_from(&key(known).public(), chain, &key(current).public(), &did())
    }

    #[test]
    fn leads_from_every_key_of_the_chain() {
        let chain = [step(1, 2, 1), step(2, 3, 2), step(3, 4, 7)];
        for known in 1..=4 {
            assert!(leads(known, &chain, 4), "{known}");
        }
        assert!(!leads(5, &chain, 4));
        assert!(!leads(1, &chain, 3));
        assert!(leads(1, &[], 1));
        assert!(!leads(1, &[], 2));
    }

    #[test]
    fn a_broken_chain_leads_nowhere() {
        assert!(!leads(1, &[step(1, 2, 1), step(3, 4, 2)], 4), "gap");
        assert!(
            !leads(2, &[step(1, 5, 1), step(2, 3, 2)], 3),
            "gap before the known key"
        );
        assert!(
            !leads(1, &[step(1, 2, 2), step(2, 3, 2)], 3),
            "seq does not grow"
        );
        assert!(
            !leads(1, &[step(2, 3, 2), step(1, 2, 1)], 3),
            "newest first"
        );
        assert!(!leads(1, &[step(1, 2, 1), vec![0]], 2), "not an object");
        let other = Did::parse("did:web:mallory.example").unwrap();
        let (known, current) = (key(1).public(), key(2).public());
        assert!(
            !leads_from(&known, &[step(1, 2, 1)], &current, &other),
            "another account"
        );
        assert!(
            !leads(1, &vec![step(1, 2, 1); MAX_SUCCESSIONS + 1], 1),
            "too long"
        );
    }

    #[test]
    fn the_keys_before_are_those_of_a_whole_chain() {
        let before =
            |chain: &[Vec<u8>], current| predecessors(chain, &key(current).public(), &did());
        let chain = [step(1, 2, 1), step(2, 3, 2)];
        assert_eq!(before(&chain, 3), [key(1).public(), key(2).public()]);
        assert_eq!(before(&[], 3), []);
        assert_eq!(before(&chain, 2), [], "ends elsewhere");
        assert_eq!(
            before(&[step(1, 2, 2), step(2, 3, 2)], 3),
            [],
            "does not grow"
        );
        assert_eq!(before(&vec![step(1, 2, 1); MAX_SUCCESSIONS + 1], 2), []);
    }

    #[test]
    fn a_stranger_cannot_sign_a_step() {
        let forged = Succession {
            did: did(),
            seq: 1,
            issued_at: Timestamp(0),
            successor: key(2).public(),
            predecessor: key(1).public(),
        };
        assert!(!leads(1, &[forged.sign(&key(2))], 2));
    }
}
