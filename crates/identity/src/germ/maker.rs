//! Makes declarations as Germ does, and wrong ones, for tests and for the vectors.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};
use sotto_wire::did::Did;
use sotto_wire::key::SigningKey;

use super::linear::{write_account, write_data, write_key};
use super::{COLLECTION, hello, succession};

/// A key whose seed is 32 times this byte.
pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

/// A proof by `signer` that `from` is followed by `to`.
pub(super) fn proof(did: &Did, from: u8, to: u8, signer: u8) -> Vec<u8> {
    let (predecessor, successor) = (key(from).public(), key(to).public());
    let signed = succession::signed_bytes(did, &predecessor, &successor);
    let mut out = Vec::new();
    write_key(&mut out, &predecessor);
    write_signature(&mut out, &key(signer).sign(&signed));
    out
}

fn write_signature(out: &mut Vec<u8>, signature: &[u8; 64]) {
    out.push(super::linear::ED25519_SIGNATURE);
    out.extend(signature);
}

/// An `AnchorHello` with everything open to changes.
pub(super) struct Hello {
    pub(super) did: String,
    pub(super) anchor: u8,
    /// Who signs for the anchor key.
    pub(super) signer: u8,
    pub(super) agent: u8,
    pub(super) agent_signer: u8,
    pub(super) proofs: Vec<Vec<u8>>,
    pub(super) policy: u8,
    /// Three numbers and a suffix, encoded.
    pub(super) version: Vec<u8>,
    pub(super) key_packages: Vec<Vec<u8>>,
}

impl Hello {
    pub(super) fn new(did: &Did, anchor: u8) -> Self {
        Self {
            did: did.to_string(),
            anchor,
            signer: anchor,
            agent: 101,
            agent_signer: 101,
            proofs: Vec::new(),
            policy: 2,
            version: vec![1, 2, 3, 0],
            key_packages: vec![b"key package".to_vec(), vec![7; 300]],
        }
    }

    pub(super) fn content(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_account(&mut out, &self.did);
        out.push(u8::try_from(self.proofs.len()).unwrap());
        out.extend(self.proofs.concat());
        out.push(self.policy);
        write_key(&mut out, &key(self.agent).public());
        out.extend(&self.version);
        out.push(u8::try_from(self.key_packages.len()).unwrap());
        for key_package in &self.key_packages {
            write_data(&mut out, key_package);
        }
        out
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.bytes_of(self.content())
    }

    /// The same around other content.
    pub(super) fn bytes_of(&self, content: Vec<u8>) -> Vec<u8> {
        let signed = hello::signed_by_agent(&content);
        let mut package = content;
        write_signature(&mut package, &key(self.agent_signer).sign(&signed));
        let signed = hello::signed_by_anchor(&package, &key(self.anchor).public());
        let mut out = Vec::new();
        write_signature(&mut out, &key(self.signer).sign(&signed));
        write_data(&mut out, &package);
        out
    }
}

pub(super) fn bytes(bytes: &[u8]) -> Value {
    json!({ "$bytes": STANDARD_NO_PAD.encode(bytes) })
}

pub(super) fn typed_key(seed: u8) -> Vec<u8> {
    let mut out = Vec::new();
    write_key(&mut out, &key(seed).public());
    out
}

/// A record whose current key is that of `hello`.
pub(super) fn record(hello: &Hello) -> Value {
    json!({
        "$type": COLLECTION,
        "version": "1.0.0",
        "currentKey": bytes(&typed_key(hello.anchor)),
        "keyPackage": bytes(&hello.bytes()),
        "messageMe": {
            "showButtonTo": "everyone",
            "messageMeUrl": "https://landing.ger.mx/newUser",
        },
    })
}
