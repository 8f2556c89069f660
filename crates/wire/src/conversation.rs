//! Conversations and the binding of a send group to one (docs/protocol.md §3 and §2).

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    cbor::{self, CborError},
    device::DeviceId,
    did::{Did, MAX_DID},
};

/// The type of the GroupContext extension that carries a [`GroupBinding`].
pub const EXTENSION_TYPE: u16 = 0xF0A7;

const DOMAIN_SEPARATOR: &[u8] = b"chat.sotto/conversation/v1";

/// Names the conversation of two accounts, the same for both.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConversationId(#[serde(with = "serde_bytes")] [u8; 32]);

impl ConversationId {
    /// The id of the conversation between two accounts, in whichever order.
    #[must_use]
    pub fn of(one: &Did, other: &Did) -> Self {
        let (a, b) = if one <= other {
            (one, other)
        } else {
            (other, one)
        };
        let mut hash = Sha256::new();
        for part in [
            DOMAIN_SEPARATOR,
            &[0],
            a.as_str().as_bytes(),
            &[0],
            b.as_str().as_bytes(),
        ] {
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// Takes the 32 bytes of an id.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id as 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Reads 64 lower-case hexadecimal digits; `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let id = Self(bytes);
        (id.hex() == text).then_some(id)
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConversationId({})", self.hex())
    }
}

/// What a send group's GroupContext says about itself (§2): its conversation and its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GroupBinding {
    /// The owner's account.
    pub did: Did,
    /// The owner's device.
    pub device_id: DeviceId,
    /// The conversation.
    pub conversation: ConversationId,
}

impl GroupBinding {
    /// The content of the extension.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads the content of the extension.
    ///
    /// # Errors
    /// [`CborError`] where it is not exactly such a binding.
    pub fn decode(content: &[u8]) -> Result<Self, CborError> {
        cbor::decode(content, MAX_DID + 256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(name: &str) -> Did {
        Did::parse(&format!("did:web:{name}.example")).unwrap()
    }

    #[test]
    fn is_the_same_from_both_sides() {
        let id = ConversationId::of(&did("alice"), &did("bob"));
        assert_eq!(id, ConversationId::of(&did("bob"), &did("alice")));
        assert_ne!(id, ConversationId::of(&did("alice"), &did("carol")));
        let input = b"chat.sotto/conversation/v1\0did:web:alice.example\0did:web:bob.example";
        assert_eq!(id.as_bytes(), Sha256::digest(input).as_slice());
    }

    #[test]
    fn hex_has_one_spelling() {
        let id = ConversationId::of(&did("alice"), &did("bob"));
        assert_eq!(ConversationId::from_hex(&id.hex()), Some(id));
        assert_eq!(ConversationId::from_hex(&id.hex().to_uppercase()), None);
        assert_eq!(ConversationId::from_hex(&id.hex()[2..]), None);
        assert_eq!(ConversationId::from_hex(""), None);
    }

    #[test]
    fn bindings_are_closed() {
        let binding = GroupBinding {
            did: did("alice"),
            device_id: DeviceId::from_bytes([3; 16]),
            conversation: ConversationId::of(&did("alice"), &did("bob")),
        };
        let bytes = binding.encode();
        assert_eq!(GroupBinding::decode(&bytes), Ok(binding));
        assert_eq!(
            GroupBinding::decode(&bytes[..bytes.len() - 1]),
            Err(CborError::Malformed)
        );
        let mut short = cbor::encode(&serde_json::json!({"did": "did:web:alice.example"}));
        assert_eq!(GroupBinding::decode(&short), Err(CborError::Shape));
        short.push(0);
        assert_eq!(GroupBinding::decode(&short), Err(CborError::Malformed));
    }
}
