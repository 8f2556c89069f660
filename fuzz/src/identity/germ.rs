//! What another messenger publishes (docs/protocol.md §7.1).

use super::did;
use crate::Target;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};
use sotto_identity::germ::{COLLECTION, GermDeclaration};
use sotto_wire::key::{PublicKey, SigningKey};

pub(super) const GERM_HELLO: Target = Target {
    name: "germ_hello",
    run: hello,
};
pub(super) const GERM_RECORD: Target = Target {
    name: "germ_record",
    run: record,
};

fn record(bytes: &[u8]) {
    if let Ok(json) = serde_json::from_slice::<Value>(bytes) {
        verify(&json);
    }
}

/// The bytes as a hello under two genuine signatures.
fn hello(content: &[u8]) {
    let (anchor, agent) = (
        SigningKey::from_seed(&[1; 32]),
        SigningKey::from_seed(&[2; 32]),
    );
    let signed = [data(b"AnchorHello.AgentSignatureBody"), content.to_vec()].concat();
    let package = [content, &[0], &agent.sign(&signed)].concat();
    let signed = [
        data(b"AnchorHello.AnchorSignatureBody"),
        data(&package),
        key(&anchor.public()),
    ];
    let signature = anchor.sign(&signed.concat());
    let hello = [&[0][..], &signature, &data(&package)].concat();
    verify(&json!({
        "$type": COLLECTION,
        "version": "1.0.0",
        "currentKey": {"$bytes": STANDARD_NO_PAD.encode(key(&anchor.public()))},
        "keyPackage": {"$bytes": STANDARD_NO_PAD.encode(hello)},
    }));
}

fn verify(record: &Value) {
    if let Ok(declaration) = GermDeclaration::verify(record, &did()) {
        assert_eq!(declaration.did(), &did());
        let _ = (declaration.audience(), declaration.predecessors().len());
    }
}

fn data(bytes: &[u8]) -> Vec<u8> {
    let mut out = match u8::try_from(bytes.len()) {
        Ok(length) if length < 255 => vec![length],
        _ => {
            let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
            [&[255][..], &length.to_be_bytes()].concat()
        }
    };
    out.extend_from_slice(bytes);
    out
}

fn key(key: &PublicKey) -> Vec<u8> {
    [&[3][..], key.as_bytes()].concat()
}
