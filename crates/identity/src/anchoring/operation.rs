//! Operations of did:plc (<https://web.plc.directory/spec/v0.1/did-plc>), as far as merging one change
//! into what an account's identity says needs them. They are not verified here: whoever follows a
//! wrong one only makes an operation that the directory refuses.

use std::collections::BTreeMap;

use cid::Cid;
use cid::multihash::Multihash;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sotto_wire::key::PublicKey;

use super::AnchoringError;

const DAG_CBOR: u64 = 0x71;
const SHA2_256: u64 = 0x12;
/// Limits of the directory.
const MAX_METHODS: usize = 10;
const MAX_OPERATION: usize = 4000;
/// The name of the entry.
const E2EE: &str = "e2ee";
/// Characters of a CID, and of a signature.
const CID_LENGTH: usize = 59;
const SIG_LENGTH: usize = 86;

/// What an operation says of an account. The last one of the log says all that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity {
    rotation_keys: Vec<String>,
    verification_methods: BTreeMap<String, String>,
    also_known_as: Vec<String>,
    services: BTreeMap<String, Service>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    endpoint: String,
}

/// Closed: a field that is not understood could not be kept.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Operation {
    #[serde(rename = "type")]
    kind: String,
    rotation_keys: Vec<String>,
    verification_methods: BTreeMap<String, String>,
    also_known_as: Vec<String>,
    services: BTreeMap<String, Service>,
    prev: Option<String>,
    sig: String,
}

/// The form of the oldest first operations; deprecated, and still at the head of many a log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Create {
    #[serde(rename = "type")]
    _kind: String,
    signing_key: String,
    recovery_key: String,
    handle: String,
    service: String,
    #[serde(rename = "prev")]
    _prev: Option<String>,
    #[serde(rename = "sig")]
    _sig: String,
}

/// The last operation of an account's log.
pub(super) struct Last {
    /// Names it as the predecessor of the next one.
    pub(super) cid: String,
    pub(super) identity: Identity,
}

impl Last {
    /// Nothing for a tombstone and for what is not understood.
    pub(super) fn read(operation: &Value) -> Option<Self> {
        let identity = match operation.get("type")?.as_str()? {
            "plc_operation" => Identity::of(serde_json::from_value(operation.clone()).ok()?),
            "create" => Identity::of_create(serde_json::from_value(operation.clone()).ok()?),
            _ => return None,
        };
        Some(Self {
            cid: cid(operation)?,
            identity,
        })
    }
}

/// What a signed operation says, and the CID of the one it follows.
pub(super) fn read_signed(operation: &Value) -> Option<(Identity, String)> {
    let read: Operation = serde_json::from_value(operation.clone()).ok()?;
    if read.kind != "plc_operation" {
        return None;
    }
    let prev = read.prev.clone()?;
    Some((Identity::of(read), prev))
}

/// Whether two are one and the same, signature included.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    cid(one).is_some_and(|one| cid(other) == Some(one))
}

pub(super) fn cid(operation: &Value) -> Option<String> {
    let block = serde_ipld_dagcbor::to_vec(operation).ok()?;
    let digest = Multihash::wrap(SHA2_256, &Sha256::digest(block)).ok()?;
    Some(Cid::new_v1(DAG_CBOR, digest).to_string())
}

impl Identity {
    fn of(operation: Operation) -> Self {
        Self {
            rotation_keys: operation.rotation_keys,
            verification_methods: operation.verification_methods,
            also_known_as: operation.also_known_as,
            services: operation.services,
        }
    }

    /// What a `create` operation means, as the specification says.
    fn of_create(create: Create) -> Self {
        let prefixed = |text: &str, prefix: &str, others: &[&str]| {
            if others.iter().any(|other| text.starts_with(other)) {
                text.to_owned()
            } else {
                format!("{prefix}{text}")
            }
        };
        let bare = create.handle.replace("http://", "").replace("https://", "");
        let pds = Service {
            kind: "AtprotoPersonalDataServer".to_owned(),
            endpoint: prefixed(&create.service, "https://", &["http://", "https://"]),
        };
        Self {
            verification_methods: [("atproto".to_owned(), create.signing_key.clone())].into(),
            rotation_keys: vec![create.recovery_key, create.signing_key],
            also_known_as: vec![prefixed(&bare, "at://", &["at://"])],
            services: [("atproto_pds".to_owned(), pds)].into(),
        }
    }

    /// The same with this key as `#e2ee`, or none.
    pub(super) fn with_anchor(&self, key: Option<&PublicKey>) -> Self {
        let mut changed = self.clone();
        match key {
            Some(key) => {
                let methods = &mut changed.verification_methods;
                methods.insert(E2EE.to_owned(), key.to_did_key());
            }
            None => drop(changed.verification_methods.remove(E2EE)),
        }
        changed
    }

    /// Whether the directory would take it.
    pub(super) fn check_limits(&self) -> Result<(), AnchoringError> {
        if self.verification_methods.len() > MAX_METHODS {
            return Err(AnchoringError::TooManyMethods);
        }
        let operation = Operation {
            kind: "plc_operation".to_owned(),
            rotation_keys: self.rotation_keys.clone(),
            verification_methods: self.verification_methods.clone(),
            also_known_as: self.also_known_as.clone(),
            services: self.services.clone(),
            prev: Some("b".repeat(CID_LENGTH)),
            sig: "s".repeat(SIG_LENGTH),
        };
        match serde_ipld_dagcbor::to_vec(&operation) {
            Ok(bytes) if bytes.len() <= MAX_OPERATION => Ok(()),
            _ => Err(AnchoringError::TooLarge),
        }
    }

    /// As `com.atproto.identity.signPlcOperation` takes it.
    pub(super) fn to_json(&self) -> Value {
        // Cannot fail: texts and maps of texts.
        serde_json::to_value(self).unwrap_or_default()
    }
}
