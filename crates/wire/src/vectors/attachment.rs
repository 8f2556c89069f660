//! Attachments: pieces, manifests and their addresses.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::attachment::{
    AttachmentError, AttachmentKey, AttachmentUrl, Manifest, NONCE, ObjectName, PIECE, Pieces,
};

/// Objects are too long for a file of vectors: their lengths and names say the same.
fn object(name: &str, input: Value, bytes: &[u8]) -> Value {
    let named = ObjectName::of(bytes);
    let digest = hex::encode(Sha256::digest(bytes));
    assert_eq!(digest, hex::encode(named.as_bytes()));
    json!({
        "name": name, "input": input, "bytes": bytes.len(), "sha256": digest,
        "object": named.to_string(), "head": hex::encode(&bytes[..32]),
        "tail": hex::encode(&bytes[bytes.len() - 32..]),
    })
}

#[test]
fn attachments() {
    let key = AttachmentKey::from_bytes([7; 32]);
    let nonce: [u8; NONCE] = [1; NONCE];
    let pieces = Pieces::new(&key, &nonce);
    let secret = json!({ "key": hex::encode([7; 32]), "nonce": hex::encode(nonce) });
    let first = pieces.seal(0, false, &vec![0x61; PIECE]).unwrap();
    let last = pieces.seal(1, true, b"end").unwrap();
    let names = vec![ObjectName::of(&first), ObjectName::of(&last)];
    let manifest = Manifest::new(PIECE as u64 + 3, names).unwrap();
    let sealed = manifest.seal(&key, &nonce).unwrap();
    assert_eq!(Manifest::open(&sealed, &key, &nonce), Ok(manifest.clone()));
    let url = AttachmentUrl {
        domain: relay(),
        name: ObjectName::of(&sealed),
    };
    let swapped = pieces.open(0, true, 3, &last);
    assert_eq!(swapped, Err(AttachmentError::Piece));
    check(
        "attachment",
        "4.8",
        json!([
            object("first piece", json!({ "secret": secret, "index": 0, "last": false,
                "plaintext": "1048576 times 61" }), &first),
            object("last piece", json!({ "secret": secret, "index": 1, "last": true,
                "plaintext": hex::encode(b"end") }), &last),
            object("manifest", json!({ "secret": secret, "size": manifest.size(),
                "pieces": manifest.pieces() }), &sealed),
            { "name": "url", "url": url.to_string() },
            { "name": "last piece in the first place", "object": ObjectName::of(&last).to_string(),
              "refused": format!("{:?}", AttachmentError::Piece) },
        ]),
    );
}
