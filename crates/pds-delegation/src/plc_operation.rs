//! Operations of did:plc: reading the last one, following it with one that differs in the key of
//! `#e2ee` alone, signing that (<https://web.plc.directory/spec/v0.1/did-plc>).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cid::Cid;
use cid::multihash::Multihash;
use k256::ecdsa::signature::Signer as _;
use k256::ecdsa::{Signature, SigningKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sotto_wire::key::PublicKey;

/// The name of the delegate key among an account's verification methods.
pub(crate) const E2EE: &str = "e2ee";

const DAG_CBOR: u64 = 0x71;
const SHA2_256: u64 = 0x12;
const MULTICODEC_K256: [u8; 2] = [0xe7, 0x01];
/// Limits of the public directory: bytes of an operation, verification methods.
const MAX_OPERATION: usize = 4000;
const MAX_METHODS: usize = 10;

/// An operation that says everything about an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct PlcOperation {
    r#type: String,
    pub(crate) rotation_keys: Vec<String>,
    pub(crate) verification_methods: BTreeMap<String, String>,
    also_known_as: Vec<String>,
    services: BTreeMap<String, PlcEndpoint>,
    prev: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sig: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlcEndpoint {
    r#type: String,
    endpoint: String,
}

/// The first form of a genesis operation; accounts of 2023 still have it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct LegacyCreate {
    r#type: String,
    signing_key: String,
    recovery_key: String,
    handle: String,
    service: String,
    prev: Option<String>,
    sig: String,
}

/// The last operation of an account, and the CID by which the next one follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastOperation {
    pub(crate) cid: String,
    pub(crate) operation: PlcOperation,
}

impl LastOperation {
    /// Reads an operation as the directory serves it. Nothing where it is none that can be
    /// followed without losing something: a tombstone, or one with fields not known here.
    pub(crate) fn from_json(json: Value) -> Option<Self> {
        match json.get("type")?.as_str()? {
            "plc_operation" => {
                let operation: PlcOperation = serde_json::from_value(json).ok()?;
                operation.sig.as_ref()?;
                let cid = cid_of(&operation)?;
                Some(Self { cid, operation })
            }
            "create" => {
                let legacy: LegacyCreate = serde_json::from_value(json).ok()?;
                let cid = cid_of(&legacy)?;
                let operation = legacy.into_operation();
                Some(Self { cid, operation })
            }
            _ => None,
        }
    }

    /// What it says under `#e2ee`, as `did:key`.
    pub(crate) fn e2ee(&self) -> Option<&str> {
        let methods = &self.operation.verification_methods;
        methods.get(E2EE).map(String::as_str)
    }

    /// The operation that follows it with `key` under `#e2ee`, or with nothing there, signed.
    /// Nothing where the directory would refuse it: `signer` may not, or it would be too large.
    pub(crate) fn followed_by(
        &self,
        key: Option<&PublicKey>,
        signer: &SigningKey,
    ) -> Option<SignedOperation> {
        if !self.operation.rotation_keys.contains(&did_key(signer)) {
            return None;
        }
        let mut next = self.operation.clone();
        match key {
            Some(key) => next
                .verification_methods
                .insert(E2EE.to_owned(), key.to_did_key()),
            None => next.verification_methods.remove(E2EE),
        };
        next.prev = Some(self.cid.clone());
        next.sig = None;
        let unsigned = serde_ipld_dagcbor::to_vec(&next).ok()?;
        // Low-S, as this library signs for this curve.
        let signature: Signature = signer.sign(&unsigned);
        next.sig = Some(URL_SAFE_NO_PAD.encode(signature.to_bytes()));
        let size = serde_ipld_dagcbor::to_vec(&next).ok()?.len();
        let fits = size <= MAX_OPERATION && next.verification_methods.len() <= MAX_METHODS;
        fits.then_some(SignedOperation {
            cid: cid_of(&next)?,
            json: serde_json::to_value(&next).ok()?,
        })
    }
}

/// An operation that can be submitted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SignedOperation {
    pub(crate) cid: String,
    pub(crate) json: Value,
}

impl LegacyCreate {
    /// What it means, in today's form.
    fn into_operation(self) -> PlcOperation {
        let pds = PlcEndpoint {
            r#type: "AtprotoPersonalDataServer".to_owned(),
            endpoint: with_scheme(self.service, "https://"),
        };
        let methods = [("atproto".to_owned(), self.signing_key.clone())];
        PlcOperation {
            r#type: "plc_operation".to_owned(),
            rotation_keys: vec![self.recovery_key, self.signing_key],
            verification_methods: BTreeMap::from(methods),
            also_known_as: vec![with_scheme(self.handle, "at://")],
            services: BTreeMap::from([("atproto_pds".to_owned(), pds)]),
            prev: self.prev,
            sig: Some(self.sig),
        }
    }
}

fn with_scheme(text: String, scheme: &str) -> String {
    if text.contains("://") {
        text
    } else {
        format!("{scheme}{text}")
    }
}

fn cid_of<T: Serialize>(operation: &T) -> Option<String> {
    let bytes = serde_ipld_dagcbor::to_vec(operation).ok()?;
    let hash = Multihash::wrap(SHA2_256, &Sha256::digest(bytes)).ok()?;
    Some(Cid::new_v1(DAG_CBOR, hash).to_string())
}

/// The public half of a k256 key as `did:key`.
pub(crate) fn did_key(key: &SigningKey) -> String {
    let point = key.verifying_key().to_encoded_point(true);
    let bytes = [&MULTICODEC_K256[..], point.as_bytes()].concat();
    let text = multibase::encode(multibase::Base::Base58Btc, bytes);
    format!("did:key:{text}")
}

#[cfg(test)]
#[path = "plc_operation/tests.rs"]
mod tests;
