//! The delegation record (docs/protocol.md §1.1) in AT Protocol's JSON.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Value, json};

use crate::{
    claim::Incoming, domain::Domain, key::PublicKey, sign1::MAX_SIGNED_OBJECT,
    succession::MAX_SUCCESSIONS,
};

/// The collection of the record.
pub const COLLECTION: &str = "chat.sotto.delegation";
/// The record key.
pub const RKEY: &str = "self";

/// Base64 as AT Protocol's data model writes it: without padding, read with or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const MAX_CREATED_AT: usize = 64;

/// The record by which an account delegates to its delegate key. What is in it counts only as far
/// as the claim confirms it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationRecord {
    /// The delegate key.
    pub key: PublicKey,
    /// The discovery domain.
    pub domain: Domain,
    /// The claim as a signed object.
    pub claim: Vec<u8>,
    /// Successions as signed objects, oldest first.
    pub succession: Vec<Vec<u8>>,
    /// From whom the account takes first contacts.
    pub incoming: Incoming,
    /// RFC 3339, for display; not checked.
    pub created_at: String,
}

/// Which field of the record is missing or malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the delegation record has no valid {0}")]
pub struct InvalidRecord(pub &'static str);

impl DelegationRecord {
    /// Reads the record. Fields that are not known are passed over, as in every AT Protocol record.
    ///
    /// # Errors
    /// [`InvalidRecord`], with the first field that is not as §1.1 has it.
    pub fn from_json(record: &Value) -> Result<Self, InvalidRecord> {
        let text = |name: &'static str| {
            record
                .get(name)
                .and_then(Value::as_str)
                .ok_or(InvalidRecord(name))
        };
        if text("$type")? != COLLECTION {
            return Err(InvalidRecord("$type"));
        }
        let claim = record
            .get("claim")
            .and_then(bytes)
            .ok_or(InvalidRecord("claim"))?;
        let created_at = text("createdAt")?;
        if created_at.len() > MAX_CREATED_AT {
            return Err(InvalidRecord("createdAt"));
        }
        Ok(Self {
            key: PublicKey::from_did_key(text("key")?).map_err(|_| InvalidRecord("key"))?,
            domain: Domain::parse(text("domain")?).map_err(|_| InvalidRecord("domain"))?,
            claim,
            succession: succession(record).ok_or(InvalidRecord("succession"))?,
            incoming: Incoming::parse(text("incoming")?).ok_or(InvalidRecord("incoming"))?,
            created_at: created_at.to_owned(),
        })
    }

    /// The record as JSON, with its `$type`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let bytes = |bytes: &Vec<u8>| json_bytes(bytes);
        json!({
            "$type": COLLECTION,
            "key": self.key.to_did_key(),
            "domain": self.domain.as_str(),
            "claim": bytes(&self.claim),
            "succession": self.succession.iter().map(bytes).collect::<Vec<_>>(),
            "incoming": self.incoming.as_str(),
            "createdAt": self.created_at,
        })
    }
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    bytes_of(value, 2 * MAX_SIGNED_OBJECT)
}

/// Bytes as AT Protocol JSON.
pub(crate) fn json_bytes(bytes: &[u8]) -> Value {
    json!({ "$bytes": BASE64.encode(bytes) })
}

/// The bytes of such a value, whose text is at most `max_text` long.
pub(crate) fn bytes_of(value: &Value, max_text: usize) -> Option<Vec<u8>> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let text = object
        .get("$bytes")?
        .as_str()
        .filter(|text| text.len() <= max_text)?;
    BASE64.decode(text).ok()
}

/// The successions; a record without the field has none.
fn succession(record: &Value) -> Option<Vec<Vec<u8>>> {
    let Some(list) = record.get("succession") else {
        return Some(Vec::new());
    };
    let list = list
        .as_array()
        .filter(|list| list.len() <= MAX_SUCCESSIONS)?;
    list.iter().map(bytes).collect()
}

#[cfg(test)]
#[path = "delegation/tests.rs"]
mod tests;
