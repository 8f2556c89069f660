//! The accounts' own hosts: a double, as it has to be old or silent at times. What it serves is real:
//! DID documents, and records as proofs of a signed repository.

use k256::ecdsa::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sotto_identity::hosted;
use sotto_identity::http::Response;
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::did::Did;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// The host of every account's repository.
pub const HOST: &str = "pds.example";

struct Account {
    key: SigningKey,
    /// The answer to whoever asks for the record.
    proof: Vec<u8>,
    /// The answer before that.
    older: Vec<u8>,
}

/// Every account's documents and records.
#[derive(Default)]
pub struct Pds(Mutex<BTreeMap<String, Account>>);

impl Pds {
    /// Publishes a record of an account, at `now_ms`.
    ///
    /// # Errors
    /// When the record cannot be encoded.
    pub fn publish(&self, did: &Did, record: &DelegationRecord, now_ms: u64) -> Result<(), String> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match accounts.get(did.as_str()) {
            Some(account) => account.key.clone(),
            None => SigningKey::from_slice(&Sha256::digest(did.as_str()))
                .map_err(|error| error.to_string())?,
        };
        let proof = hosted::proof(did, &key, record, now_ms).map_err(|error| error.to_string())?;
        let older = accounts.remove(did.as_str()).map(|account| account.proof);
        let account = Account {
            key,
            older: older.unwrap_or_else(|| proof.clone()),
            proof,
        };
        accounts.insert(did.as_str().to_owned(), account);
        Ok(())
    }

    /// Answers a request to any host that is not a relay; `stale`: as before the last change.
    pub fn answer(&self, url: &Url, stale: bool) -> Response {
        let accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let host = url.host_str().unwrap_or_default();
        if url.path() == "/.well-known/did.json" {
            let did = format!("did:web:{host}");
            return match accounts.get(&did) {
                Some(account) => json_answer(200, &document(&did, &account.key)),
                None => json_answer(404, &json!({})),
            };
        }
        let did = url.query_pairs().find(|(name, _)| name == "did");
        let did = did.map(|(_, did)| did.into_owned()).unwrap_or_default();
        match (url.path(), accounts.get(&did)) {
            ("/xrpc/com.atproto.sync.getRecord", Some(account)) => Response {
                status: 200,
                headers: Vec::new(),
                body: if stale {
                    account.older.clone()
                } else {
                    account.proof.clone()
                },
            },
            _ => json_answer(400, &json!({"error": "RecordNotFound"})),
        }
    }
}

fn json_answer(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}

fn document(did: &str, key: &SigningKey) -> Value {
    json!({
        "id": did,
        "verificationMethod": [{
            "id": format!("{did}#atproto"),
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": hosted::multibase(key),
        }],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": format!("https://{HOST}"),
        }],
    })
}
