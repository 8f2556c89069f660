//! The PDS API (docs/protocol.md §1.9): names, inputs and outputs of the methods under
//! `chat.sotto.*`, as the lexicons in `lexicons/chat/sotto/` have them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::delegation;
use crate::did::Did;

mod error_name;

pub use error_name::ErrorName;

/// Creates the record.
pub const CREATE: &str = "chat.sotto.createDelegation";
/// Replaces the record.
pub const UPDATE: &str = "chat.sotto.updateDelegation";
/// Deletes the record.
pub const DELETE: &str = "chat.sotto.deleteDelegation";
/// Gives the record and its proofs.
pub const GET: &str = "chat.sotto.getDelegation";

/// The fragment of an audience.
pub const SERVICE_ID: &str = "sotto_delegation";
/// The largest body of a procedure, in bytes: a record with the longest chain of successions.
pub const MAX_INPUT: usize = 1024 * 1024;
/// The largest answer, in bytes: a proof of 2 MiB in base64, and the record.
pub const MAX_OUTPUT: usize = 4 * 1024 * 1024;

/// Input of [`CREATE`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CreateInput {
    /// The record as AT Protocol JSON.
    pub record: Value,
    /// Whether a key to which no succession leads is meant.
    #[serde(default)]
    pub unendorsed: bool,
}

/// Input of [`UPDATE`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UpdateInput {
    /// The record as AT Protocol JSON.
    pub record: Value,
    /// CID of the record that it replaces.
    pub swap_record: String,
    /// Whether a key to which no succession leads is meant.
    #[serde(default)]
    pub unendorsed: bool,
}

/// Input of [`DELETE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeleteInput {
    /// CID of the record that goes.
    pub swap_record: String,
}

/// Output of [`CREATE`] and [`UPDATE`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriteOutput {
    /// `at://` URI of the record.
    pub uri: String,
    /// CID of the record.
    pub cid: String,
    /// The key that the DID document names now, as `did:key`.
    pub document_key: String,
}

/// Output of [`GET`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetOutput {
    /// The account.
    pub did: Did,
    /// `aud` of the tokens for the procedures.
    pub audience: Audience,
    /// The record as AT Protocol JSON, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Value>,
    /// Its CID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cid: Option<String>,
    /// Proof of the record or of its absence.
    #[serde(with = "car")]
    pub car: Vec<u8>,
    /// The entry `#e2ee` of the DID document as `did:key`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_key: Option<String>,
}

/// Whom a service token is for: `did:web:…#sotto_delegation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Audience(String);

/// The text is no audience of this API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a did:web with the fragment #sotto_delegation")]
pub struct InvalidAudience;

impl Audience {
    /// The audience of the service that `did` names.
    ///
    /// # Errors
    /// [`InvalidAudience`] where that is not a `did:web`.
    pub fn new(did: &Did) -> Result<Self, InvalidAudience> {
        if did.as_str().starts_with("did:web:") {
            Ok(Self(format!("{did}#{SERVICE_ID}")))
        } else {
            Err(InvalidAudience)
        }
    }

    /// The text in tokens.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The OAuth scope that lets a client ask its PDS for tokens to this audience for the three
    /// procedures.
    #[must_use]
    pub fn scope(&self) -> String {
        // In a scope the `#` has to be escaped, and the `%` of a port in the DID with it.
        let aud = self.0.replace('%', "%25").replace('#', "%23");
        format!("rpc?lxm={CREATE}&lxm={DELETE}&lxm={UPDATE}&aud={aud}")
    }
}

impl TryFrom<String> for Audience {
    type Error = InvalidAudience;

    fn try_from(text: String) -> Result<Self, InvalidAudience> {
        let did = text
            .strip_suffix(SERVICE_ID)
            .and_then(|rest| rest.strip_suffix('#'))
            .ok_or(InvalidAudience)?;
        Self::new(&Did::parse(did).map_err(|_| InvalidAudience)?)
    }
}

impl From<Audience> for String {
    fn from(audience: Audience) -> Self {
        audience.0
    }
}

/// `{"$bytes": …}`.
mod car {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        super::delegation::json_bytes(bytes).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let value = Value::deserialize(from)?;
        super::delegation::bytes_of(&value, super::MAX_OUTPUT)
            .ok_or_else(|| D::Error::custom("no bytes"))
    }
}

#[cfg(test)]
#[path = "pds_api/tests.rs"]
mod tests;
