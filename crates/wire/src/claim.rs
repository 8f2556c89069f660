//! The claim (docs/protocol.md §1.2): the delegate key claims the DID, and signs the domain.

use serde::{Deserialize, Serialize};

use crate::{
    did::Did,
    domain::Domain,
    key::{PublicKey, SigningKey},
    sign1::{self, Sign1Error, SignedPayload},
    time::Timestamp,
};

/// From whom an account takes first contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Incoming {
    /// From nobody.
    None,
    /// From accounts it follows.
    Following,
    /// From everyone.
    Everyone,
}

impl Incoming {
    /// The text in records and claims.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Following => "following",
            Self::Everyone => "everyone",
        }
    }

    /// Reads the text; `None` for an unknown one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::Following, Self::Everyone]
            .into_iter()
            .find(|it| it.as_str() == text)
    }
}

/// What the delegate key says about its account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Claim {
    /// The account.
    pub did: Did,
    /// The delegate key that signs the claim.
    pub key: PublicKey,
    /// Grows with every claim of the account.
    pub seq: u64,
    /// Discovery domain.
    pub domain: Domain,
    /// From whom the account takes first contacts.
    pub incoming: Incoming,
    /// When it was signed.
    pub issued_at: Timestamp,
}

impl SignedPayload for Claim {
    const TYPE: &'static str = "chat.sotto/claim/v1";
}

impl Claim {
    /// The claim as a signed object. `key` has to be the one that the claim names.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        sign1::sign(self, key)
    }

    /// Verifies a claim under the record's key. The caller still compares `did`, `domain`,
    /// `incoming` and `seq` (§1.4 step 3).
    ///
    /// # Errors
    /// [`Sign1Error`]; [`Sign1Error::Payload`] also where the claim names another key.
    pub fn verify(object: &[u8], key: &PublicKey) -> Result<Self, Sign1Error> {
        let claim: Self = sign1::verify(object, key)?;
        if claim.key == *key {
            Ok(claim)
        } else {
            Err(Sign1Error::Payload)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(key: &SigningKey) -> Claim {
        Claim {
            did: Did::parse("did:web:alice.example").unwrap(),
            key: key.public(),
            seq: 1,
            domain: Domain::parse("relay.example").unwrap(),
            incoming: Incoming::Everyone,
            issued_at: Timestamp(1_700_000_000),
        }
    }

    #[test]
    fn verifies_under_its_key_only() {
        let (key, other) = (
            SigningKey::from_seed(&[1; 32]),
            SigningKey::from_seed(&[2; 32]),
        );
        let object = claim(&key).sign(&key);
        assert_eq!(Claim::verify(&object, &key.public()), Ok(claim(&key)));
        assert_eq!(
            Claim::verify(&object, &other.public()),
            Err(Sign1Error::OtherKey)
        );
    }

    #[test]
    fn names_the_key_that_signs_it() {
        let (key, other) = (
            SigningKey::from_seed(&[1; 32]),
            SigningKey::from_seed(&[2; 32]),
        );
        let object = claim(&other).sign(&key);
        assert_eq!(
            Claim::verify(&object, &key.public()),
            Err(Sign1Error::Payload)
        );
    }

    #[test]
    fn incoming_has_three_texts() {
        for incoming in [Incoming::None, Incoming::Following, Incoming::Everyone] {
            assert_eq!(Incoming::parse(incoming.as_str()), Some(incoming));
            assert_eq!(serde_json::to_value(incoming).unwrap(), incoming.as_str());
        }
        assert_eq!(Incoming::parse("Everyone"), None);
    }
}
