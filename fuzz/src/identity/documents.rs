//! Handles, DID documents and operation logs.

use super::{NOW, did};
use crate::Target;
use serde_json::Value;
use sotto_identity::did_document::DidDocument;
use sotto_identity::entries;
use sotto_identity::handle::Handle;
use sotto_identity::plc::KnownLog;
use sotto_identity::repo::{RepoKey, Tid};
use sotto_wire::did::Did;

pub(super) const DID_DOCUMENT: Target = Target {
    name: "did_document",
    run: did_document,
};
pub(super) const HANDLE: Target = Target {
    name: "handle",
    run: handle,
};
pub(super) const HANDLE_ANSWERS: Target = Target {
    name: "handle_answers",
    run: handle_answers,
};
pub(super) const PLC_LOG: Target = Target {
    name: "plc_log",
    run: plc_log,
};
pub(super) const PLC_OPERATION: Target = Target {
    name: "plc_operation",
    run: plc_operation,
};

fn did_document(bytes: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let named = json.get("id").and_then(Value::as_str);
    let named = named.and_then(|id| Did::parse(id).ok()).unwrap_or_else(did);
    if let Some(document) = DidDocument::from_json(&json, &named, true) {
        assert_eq!(document.id, named);
    }
}

fn handle(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(handle) = Handle::parse(text) {
        assert_eq!(Handle::parse(handle.as_str()), Ok(handle));
    }
    if let Ok(tid) = Tid::parse(text) {
        assert_eq!(tid.as_str(), text);
        let _ = tid.seconds();
    }
    let _ = RepoKey::from_multibase(text);
}

/// What DNS and a host say about a handle: a TXT record a line, and all of it as the host's file.
fn handle_answers(bytes: &[u8]) {
    let texts = bytes.split(|byte| *byte == b'\n');
    let texts: Vec<String> = texts
        .filter_map(|text| String::from_utf8(text.to_vec()).ok())
        .collect();
    let [dns, _] = entries::handle_answers(&texts, bytes);
    if let Ok(did) = dns {
        assert!(texts.contains(&format!("did={did}")));
    }
}

/// A log, of the account that its first entry names.
fn plc_log(bytes: &[u8]) {
    let named = serde_json::from_slice::<Value>(bytes).ok();
    let named = named
        .as_ref()
        .and_then(|log| log.pointer("/0/did")?.as_str());
    let named = named
        .and_then(|did| Did::parse(did).ok())
        .unwrap_or_else(did);
    entries::plc_log(bytes, &named, None, NOW);
    if let Ok(known) = KnownLog::from_bytes(bytes) {
        let kept = known.to_bytes();
        assert_eq!(
            KnownLog::from_bytes(&kept).map(|it| it.to_bytes()),
            Ok(kept)
        );
    }
}

fn plc_operation(bytes: &[u8]) {
    if let Ok(json) = serde_json::from_slice::<Value>(bytes) {
        entries::anchoring(&json, NOW);
    }
}
