//! What the host of an account and a directory serve, made by hand: for programs that need accounts
//! by the thousand, or hosts that misbehave. What it proves is real.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cid::Cid;
use cid::multihash::Multihash;
use ipld_core::ipld::Ipld;
use k256::ecdsa::signature::Signer as _;
use k256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sotto_wire::delegation::{COLLECTION, DelegationRecord, RKEY};
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;

/// An account of did:plc with one operation, as its directory lists it.
pub struct Listed {
    /// The account.
    pub did: Did,
    /// The answer to `GET /{did}`.
    pub document: Value,
    /// The answer to `GET /{did}/log/audit`.
    pub log: Value,
}

/// A new account whose repository is at `pds`; `key` signs for the repository and rotates.
///
/// # Errors
/// When something cannot be encoded.
pub fn listed(
    key: &SigningKey,
    pds: &str,
    at: Timestamp,
) -> Result<Listed, Box<dyn std::error::Error>> {
    let did_key = format!("did:key:{}", multibase(key));
    let service = json!({"type": "AtprotoPersonalDataServer", "endpoint": pds});
    let mut operation = json!({
        "type": "plc_operation",
        "rotationKeys": [did_key],
        "verificationMethods": {"atproto": did_key},
        "alsoKnownAs": [],
        "services": {"atproto_pds": service},
        "prev": null,
    });
    let signature = signed(key, &serde_ipld_dagcbor::to_vec(&operation)?);
    if let Some(fields) = operation.as_object_mut() {
        fields.insert("sig".to_owned(), URL_SAFE_NO_PAD.encode(signature).into());
    }
    let digest: [u8; 32] = Sha256::digest(serde_ipld_dagcbor::to_vec(&operation)?).into();
    let did = Did::parse(&crate::plc::did_of(&digest))?;
    let cid = Cid::new_v1(0x71, Multihash::wrap(0x12, &digest)?).to_string();
    let document = json!({
        "id": did.as_str(),
        "alsoKnownAs": [],
        "verificationMethod": [{
            "id": format!("{did}#atproto"), "type": "Multikey", "controller": did.as_str(),
            "publicKeyMultibase": multibase(key),
        }],
        "service": [{
            "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": pds,
        }],
    });
    let log = json!([{
        "did": did.as_str(), "operation": operation, "cid": cid, "nullified": false,
        "createdAt": at.rfc3339(),
    }]);
    Ok(Listed { did, document, log })
}

/// A public key as `publicKeyMultibase` has it.
#[must_use]
pub fn multibase(key: &SigningKey) -> String {
    let public = key.verifying_key().to_encoded_point(true);
    let bytes = [&[0xe7, 0x01], public.as_bytes()].concat();
    multibase::encode(multibase::Base::Base58Btc, bytes)
}

fn signed(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(message);
    signature.normalize_s().unwrap_or(signature).to_vec()
}

type Encoding = Result<Vec<u8>, Box<dyn std::error::Error>>;

/// A repository of one record, as `com.atproto.sync.getRecord` proves it.
///
/// # Errors
/// When the record cannot be encoded.
pub fn proof(did: &Did, key: &SigningKey, record: &DelegationRecord, now_ms: u64) -> Encoding {
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
    commit.insert("sig".to_owned(), Ipld::Bytes(signed(key, &unsigned)));
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
