//! Operation logs as a directory serves them, made by hand, so that tests can make wrong ones too.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cid::Cid;
use cid::multihash::Multihash;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sotto_wire::time::Timestamp;

use super::signer::RepoSigner;

/// When test logs begin.
pub(crate) const GENESIS: Timestamp = Timestamp(1_680_000_000);

pub(crate) fn strong() -> RepoSigner {
    RepoSigner::k256_of(1)
}

pub(crate) fn weak() -> RepoSigner {
    RepoSigner::p256_of(2)
}

pub(crate) fn stranger() -> RepoSigner {
    RepoSigner::k256_of(3)
}

/// An unsigned operation of an account with two rotation keys, the strong and the weak one.
pub(crate) fn operation(prev: Option<&str>) -> Value {
    json!({
        "type": "plc_operation",
        "rotationKeys": [strong().did_key(), weak().did_key()],
        "verificationMethods": {"atproto": RepoSigner::k256().did_key()},
        "alsoKnownAs": ["at://alice.example.com"],
        "services": {"atproto_pds": {
            "type": "AtprotoPersonalDataServer", "endpoint": "https://pds.example",
        }},
        "prev": prev,
    })
}

pub(crate) fn tombstone(prev: &str) -> Value {
    json!({"type": "plc_tombstone", "prev": prev})
}

/// `operation` with fields exchanged.
pub(crate) fn with(mut operation: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        operation[name] = value.clone();
    }
    operation
}

pub(crate) fn signed(operation: Value, key: &RepoSigner) -> Value {
    let signature = key.sign(&serde_ipld_dagcbor::to_vec(&operation).unwrap());
    signed_as(operation, &signature)
}

pub(crate) fn signed_as(operation: Value, signature: &[u8]) -> Value {
    with(operation, json!({"sig": URL_SAFE_NO_PAD.encode(signature)}))
}

pub(crate) fn cid(signed: &Value) -> String {
    let bytes = serde_ipld_dagcbor::to_vec(signed).unwrap();
    let hash = Multihash::wrap(0x12, &Sha256::digest(&bytes)).unwrap();
    Cid::new_v1(0x71, hash).to_string()
}

/// The answer to `GET /{did}/log/audit`, open to changes.
#[derive(Clone)]
pub(crate) struct TestLog {
    pub(crate) entries: Vec<Value>,
}

impl TestLog {
    /// A log with a signed first operation, taken at [`GENESIS`].
    pub(crate) fn new(genesis: &Value) -> Self {
        let mut log = Self {
            entries: Vec::new(),
        };
        log.push(genesis, GENESIS);
        log
    }

    /// [`operation`], signed by its strong key.
    pub(crate) fn usual() -> Self {
        Self::new(&signed(operation(None), &strong()))
    }

    pub(crate) fn did(&self) -> String {
        let genesis = &self.entries[0]["operation"];
        let digest = Sha256::digest(serde_ipld_dagcbor::to_vec(genesis).unwrap());
        let name = multibase::Base::Base32Lower.encode(digest);
        format!("did:plc:{}", &name[..24])
    }

    /// Lists a signed operation; its CID.
    pub(crate) fn push(&mut self, signed: &Value, at: Timestamp) -> String {
        let cid = cid(signed);
        let did = match self.entries.first() {
            Some(_) => self.did(),
            None => String::new(),
        };
        self.entries.push(json!({
            "did": did, "operation": signed, "cid": cid, "nullified": false,
            "createdAt": at.rfc3339(),
        }));
        self.entries[0]["did"] = self.did().into();
        cid
    }

    pub(crate) fn cid(&self, index: usize) -> String {
        self.entries[index]["cid"].as_str().unwrap().to_owned()
    }

    /// Lists an operation that follows the one at `after`, changed like this, and signed. It is
    /// taken `hours` after the first.
    pub(crate) fn follow(&mut self, after: usize, changes: Value, key: &RepoSigner, hours: u64) {
        let next = with(operation(Some(&self.cid(after))), changes);
        self.push(&signed(next, key), GENESIS.plus(hours * 3600));
    }

    /// Marks an entry as the directory marks overruled ones.
    pub(crate) fn nullify(&mut self, index: usize) {
        self.entries[index]["nullified"] = true.into();
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&self.entries).unwrap()
    }
}
