//! Operations (did:plc specification, "Operation Serialization, Signing, and Validation"). They are
//! hashed as they are, with whatever fields they have: what is not understood here is covered too.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cid::Cid;
use cid::multihash::Multihash;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use sotto_wire::did::Did;

use super::LogError;
use crate::repo::RepoKey;

const DAG_CBOR: u64 = 0x71;
const SHA2_256: u64 = 0x12;
/// The directory has taken at most 4000 bytes for most of its life.
const MAX_OPERATION: usize = 16 * 1024;
/// The specification has 5, the directory has taken 10.
const MAX_ROTATION_KEYS: usize = 10;
/// Of each other kind of entry; the directory takes 10.
const MAX_ENTRIES: usize = 64;

/// An operation, read.
#[derive(Debug)]
pub(super) struct Operation {
    /// The CID of the operation that it follows; none for the first.
    pub(super) prev: Option<String>,
    /// What the account is after it; none after a tombstone.
    pub(super) state: Option<State>,
    signed: Map<String, Value>,
    signature: Vec<u8>,
}

/// What an account is after an operation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    /// `did:key`, strongest first.
    pub(super) rotation_keys: Vec<String>,
    /// Names without `#`, and `did:key`.
    pub(super) verification_methods: BTreeMap<String, String>,
    pub(super) also_known_as: Vec<String>,
    services: BTreeMap<String, Service>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Service {
    r#type: String,
    endpoint: String,
}

/// The first operation of an account of the directory's first months.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    signing_key: String,
    recovery_key: String,
    handle: String,
    service: String,
}

#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    #[serde(deserialize_with = "present")]
    prev: Option<String>,
    sig: String,
}

/// Null, but not absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

impl Operation {
    pub(super) fn parse(value: Value) -> Result<Self, LogError> {
        let envelope = Envelope::deserialize(&value).map_err(|_| LogError::Malformed)?;
        let state = match (envelope.r#type.as_str(), &envelope.prev) {
            ("plc_operation", _) => {
                Some(State::deserialize(&value).map_err(|_| LogError::Malformed)?)
            }
            ("create", None) => {
                let create = Create::deserialize(&value).map_err(|_| LogError::Malformed)?;
                Some(create.into())
            }
            ("plc_tombstone", Some(_)) => None,
            _ => return Err(LogError::Malformed),
        };
        if state.as_ref().is_some_and(|state| !state.is_bounded()) {
            return Err(LogError::TooLarge);
        }
        let Value::Object(signed) = value else {
            return Err(LogError::Malformed);
        };
        Ok(Self {
            prev: envelope.prev,
            state,
            signed,
            // Whatever is no base64url is no signature of anybody.
            signature: URL_SAFE_NO_PAD.decode(&envelope.sig).unwrap_or_default(),
        })
    }

    /// Which of `keys` signed it: the first one, as the place says how strong it is.
    pub(super) fn signer(&self, keys: &[String]) -> Option<u8> {
        let mut unsigned = self.signed.clone();
        unsigned.remove("sig");
        let message = serde_ipld_dagcbor::to_vec(&unsigned).ok()?;
        let signed = |key: &String| {
            key.strip_prefix("did:key:")
                .and_then(|key| RepoKey::from_multibase(key).ok())
                .is_some_and(|key| key.verify(&message, &self.signature))
        };
        u8::try_from(keys.iter().position(signed)?).ok()
    }
}

impl State {
    fn is_bounded(&self) -> bool {
        self.rotation_keys.len() <= MAX_ROTATION_KEYS
            && self.verification_methods.len() <= MAX_ENTRIES
            && self.also_known_as.len() <= MAX_ENTRIES
            && self.services.len() <= MAX_ENTRIES
    }

    /// The DID document of this state.
    pub(crate) fn document(&self, did: &Did) -> Value {
        let methods = self.verification_methods.iter().map(|(name, key)| {
            let key = key.strip_prefix("did:key:").unwrap_or(key);
            json!({"id": format!("{did}#{name}"), "type": "Multikey", "publicKeyMultibase": key})
        });
        let services = self.services.iter().map(|(name, service)| {
            json!({
                "id": format!("#{name}"), "type": service.r#type,
                "serviceEndpoint": service.endpoint,
            })
        });
        json!({
            "id": did.as_str(),
            "alsoKnownAs": self.also_known_as,
            "verificationMethod": methods.collect::<Vec<_>>(),
            "service": services.collect::<Vec<_>>(),
        })
    }
}

impl From<Create> for State {
    /// As the directory reads them since it has the newer form.
    fn from(create: Create) -> Self {
        let handle = ["at://", "http://", "https://"]
            .iter()
            .find_map(|scheme| create.handle.strip_prefix(scheme))
            .unwrap_or(&create.handle);
        let has_scheme =
            create.service.starts_with("http://") || create.service.starts_with("https://");
        let endpoint = if has_scheme {
            create.service
        } else {
            format!("https://{}", create.service)
        };
        let pds = Service {
            r#type: "AtprotoPersonalDataServer".to_owned(),
            endpoint,
        };
        Self {
            also_known_as: vec![format!("at://{handle}")],
            rotation_keys: vec![create.recovery_key, create.signing_key.clone()],
            verification_methods: [("atproto".to_owned(), create.signing_key)].into(),
            services: [("atproto_pds".to_owned(), pds)].into(),
        }
    }
}

/// SHA-256 of a signed operation in DAG-CBOR.
pub(super) fn digest(operation: &Value) -> Result<[u8; 32], LogError> {
    if has_float(operation) {
        return Err(LogError::Malformed);
    }
    let bytes = serde_ipld_dagcbor::to_vec(operation).map_err(|_| LogError::Malformed)?;
    if bytes.len() > MAX_OPERATION {
        return Err(LogError::TooLarge);
    }
    Ok(Sha256::digest(&bytes).into())
}

/// The data model has none; two encoders would not agree about them.
fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_float),
        Value::Object(fields) => fields.values().any(has_float),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// The CID of an operation with this digest, as text.
pub(super) fn cid(digest: &[u8; 32]) -> Option<String> {
    let hash = Multihash::wrap(SHA2_256, digest).ok()?;
    Some(Cid::new_v1(DAG_CBOR, hash).to_string())
}

/// The DID that begins with an operation of this digest.
pub(crate) fn did_of(digest: &[u8; 32]) -> String {
    let mut name = multibase::Base::Base32Lower.encode(digest);
    name.truncate(24);
    format!("did:plc:{name}")
}
