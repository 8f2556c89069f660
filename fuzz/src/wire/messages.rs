//! What devices send to each other.

use super::{delegate, did, same};
use crate::Target;
use ciborium::Value;
use sotto_wire::attachment::{AttachmentKey, Manifest, Pieces};
use sotto_wire::content::{Content, message_id};
use sotto_wire::conversation::{ConversationId, GroupBinding};
use sotto_wire::device::DeviceCertificate;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::frame::{self, SealKey};
use sotto_wire::payload::Payload;
use sotto_wire::random::Random;
use sotto_wire::testing;

pub(super) const ATTACHMENT: Target = Target {
    name: "attachment",
    run: attachment,
};
pub(super) const CBOR: Target = Target {
    name: "cbor",
    run: same::<Value>,
};
pub(super) const CONTENT: Target = Target {
    name: "content",
    run: content,
};
pub(super) const CONVERSATION: Target = Target {
    name: "conversation",
    run: conversation,
};
pub(super) const FIRST_CONTACT: Target = Target {
    name: "first_contact",
    run: first_contact,
};
pub(super) const FRAME: Target = Target {
    name: "frame",
    run: frame,
};
pub(super) const PAYLOAD: Target = Target {
    name: "payload",
    run: payload,
};

struct Zeros;

impl Random for Zeros {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// A sealed frame as it may arrive, and bytes that somebody with the key has sealed.
fn frame(bytes: &[u8]) {
    let key = SealKey::from_bytes([5; 32]);
    let _ = frame::open(bytes, &key);
    let Ok(sealed) = testing::seal_padded(bytes, &key, &Zeros) else {
        return;
    };
    if let Ok(frame) = frame::open(&sealed, &key) {
        let again = frame::seal(&frame, &key, &Zeros).expect("it came out of one");
        assert_eq!(again, sealed);
    }
}

fn payload(bytes: &[u8]) {
    if let Ok(payload) = Payload::decode(bytes) {
        assert_eq!(payload.encode(), bytes);
    }
}

fn content(bytes: &[u8]) {
    let conversation = ConversationId::from_bytes([7; 32]);
    let id = message_id(&did(), &conversation, bytes);
    let Ok(content) = Content::decode(bytes) else {
        return;
    };
    assert!(id.is_ok());
    // Others may write it in other ways; what it says stays the same in ours.
    if let Ok(again) = content.encode() {
        assert_eq!(Content::decode(&again), Ok(content));
    }
}

/// A piece and a manifest as they may lie at a relay, and a manifest that somebody with the key made.
fn attachment(bytes: &[u8]) {
    let (key, nonce) = (AttachmentKey::from_bytes([7; 32]), [1; 12]);
    let _ = Pieces::new(&key, &nonce).open(0, true, 1, bytes);
    let _ = Manifest::open(bytes, &key, &nonce);
    let Ok(sealed) = testing::seal_manifest(bytes, &key, &nonce) else {
        return;
    };
    if let Ok(manifest) = Manifest::open(&sealed, &key, &nonce) {
        assert_eq!(manifest.seal(&key, &nonce), Ok(sealed));
    }
}

fn conversation(bytes: &[u8]) {
    if let Ok(binding) = GroupBinding::decode(bytes) {
        assert_eq!(binding.encode(), bytes);
    }
}

/// An envelope as it may arrive, and any payload under a genuine signature and header.
fn first_contact(bytes: &[u8]) {
    let _ = envelope(bytes);
    let key = delegate();
    let labels = vec![
        ("to".to_owned(), Value::from("did:web:bob.example")),
        ("cert".to_owned(), Value::Bytes(vec![1])),
        ("from".to_owned(), Value::from(did().as_str())),
        ("nonce".to_owned(), Value::Bytes(vec![2; 16])),
    ];
    let signed = testing::sign_payload("chat.sotto/first-contact/v1", labels, bytes, &key);
    if let Some(parsed) = envelope(&signed) {
        let certificate = DeviceCertificate {
            did: parsed.from().clone(),
            device_id: sotto_wire::device::DeviceId::from_bytes([7; 16]),
            issued_at: sotto_wire::time::Timestamp(0),
            device_key: key.public(),
            expires_at: sotto_wire::time::Timestamp(1),
        };
        let envelope = parsed.verify(&certificate).expect("its key signed it");
        assert_eq!(envelope.sign(&key), signed);
    }
}

fn envelope(bytes: &[u8]) -> Option<UnverifiedEnvelope> {
    let envelope = UnverifiedEnvelope::parse(bytes).ok()?;
    assert!(!envelope.payload_bytes().is_empty());
    Some(envelope)
}
