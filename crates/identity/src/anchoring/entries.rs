//! What a directory says about the operations of an account, for the fuzz targets.

use serde_json::Value;
use sotto_wire::time::Timestamp;

use super::operation::{self, Last};
use super::rate;

/// The last operation, an operation that a PDS has signed, and a log.
pub fn anchoring(json: &Value, now: Timestamp) {
    if let Some(last) = Last::read(json) {
        let _ = last.identity.with_anchor(None).check_limits();
        assert!(!last.cid.is_empty());
    }
    let _ = operation::read_signed(json);
    assert!(operation::same(json, json) || operation::cid(json).is_none());
    let _ = json.as_array().map(|log| rate::is_exhausted(log, now));
}
