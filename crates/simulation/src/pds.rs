//! The accounts' own hosts: a double, as it has to be old or silent at times. What it serves is real:
//! DID documents, and records as proofs of a signed repository.

use cid::Cid;
use cid::multihash::Multihash;
use ipld_core::ipld::Ipld;
use k256::ecdsa::signature::Signer as _;
use k256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sotto_identity::http::Response;
use sotto_wire::delegation::{COLLECTION, DelegationRecord, RKEY};
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
        let proof = proof(did, &key, record, now_ms).map_err(|error| error.to_string())?;
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
    let public = key.verifying_key().to_encoded_point(true);
    let bytes = [&[0xe7, 0x01], public.as_bytes()].concat();
    json!({
        "id": did,
        "verificationMethod": [{
            "id": format!("{did}#atproto"),
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": multibase::encode(multibase::Base::Base58Btc, bytes),
        }],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": format!("https://{HOST}"),
        }],
    })
}

type Encoding = Result<Vec<u8>, Box<dyn std::error::Error>>;

/// A repository of one record, as `com.atproto.sync.getRecord` proves it.
fn proof(did: &Did, key: &SigningKey, record: &DelegationRecord, now_ms: u64) -> Encoding {
    let record = serde_ipld_dagcbor::to_vec(&ipld(&record.to_json()))?;
    let path = format!("{COLLECTION}/{RKEY}");
    let entry = map([
        ("p", Ipld::Integer(0)),
        ("k", Ipld::Bytes(path.into_bytes())),
        ("v", Ipld::Link(cid_of(&record)?)),
        ("t", Ipld::Null),
    ]);
    let tree = map([("l", Ipld::Null), ("e", Ipld::List(vec![entry]))]);
    let tree = serde_ipld_dagcbor::to_vec(&tree)?;
    let mut commit = BTreeMap::from([
        ("did".to_owned(), Ipld::String(did.to_string())),
        ("version".to_owned(), Ipld::Integer(3)),
        ("data".to_owned(), Ipld::Link(cid_of(&tree)?)),
        ("rev".to_owned(), Ipld::String(tid(now_ms))),
        ("prev".to_owned(), Ipld::Null),
    ]);
    let unsigned = serde_ipld_dagcbor::to_vec(&Ipld::Map(commit.clone()))?;
    let signature: Signature = key.sign(&unsigned);
    let signature = signature.normalize_s().unwrap_or(signature);
    commit.insert("sig".to_owned(), Ipld::Bytes(signature.to_vec()));
    let commit = serde_ipld_dagcbor::to_vec(&Ipld::Map(commit))?;
    let root = Ipld::List(vec![Ipld::Link(cid_of(&commit)?)]);
    let header = map([("roots", root), ("version", Ipld::Integer(1))]);
    let mut car = section(&serde_ipld_dagcbor::to_vec(&header)?);
    for block in [commit, tree, record] {
        car.extend(section(&[&cid_of(&block)?.to_bytes(), &*block].concat()));
    }
    Ok(car)
}

fn map<const N: usize>(fields: [(&str, Ipld); N]) -> Ipld {
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    Ipld::Map(BTreeMap::from(fields))
}

/// The record's JSON in the repository's data model.
fn ipld(value: &Value) -> Ipld {
    use base64::Engine as _;
    match value {
        Value::Object(fields) => match fields.get("$bytes").and_then(Value::as_str) {
            Some(text) => {
                let bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(text);
                Ipld::Bytes(bytes.unwrap_or_default())
            }
            None => {
                let field = |(name, value): (&String, &Value)| (name.clone(), ipld(value));
                Ipld::Map(fields.iter().map(field).collect())
            }
        },
        Value::Array(items) => Ipld::List(items.iter().map(ipld).collect()),
        Value::String(text) => Ipld::String(text.clone()),
        Value::Bool(it) => Ipld::Bool(*it),
        Value::Number(number) => Ipld::Integer(number.as_i64().unwrap_or_default().into()),
        Value::Null => Ipld::Null,
    }
}

fn cid_of(block: &[u8]) -> Result<Cid, cid::multihash::Error> {
    Ok(Cid::new_v1(
        0x71,
        Multihash::wrap(0x12, &Sha256::digest(block))?,
    ))
}

/// A length of seven bits a byte, and the content.
fn section(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 3);
    let mut length = content.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap_or_default());
    out.extend_from_slice(content);
    out
}

/// A revision: microseconds since 1970 in base 32, sortable.
fn tid(now_ms: u64) -> String {
    const DIGITS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
    let value = (now_ms * 1000) << 10;
    (0..13)
        .rev()
        .map(|place| {
            let digit = (value >> (5 * place)) & 31;
            char::from(
                DIGITS
                    .get(usize::try_from(digit).unwrap_or(0))
                    .copied()
                    .unwrap_or(b'2'),
            )
        })
        .collect()
}
