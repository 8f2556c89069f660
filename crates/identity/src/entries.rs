//! Entries to decoders behind a signature, a socket or a server, for the fuzz targets: they take
//! bytes and come back.

use serde_json::Value;
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;

pub use crate::anchoring::entries::anchoring;
use crate::handle::{self, ResolveError};
pub use crate::oauth::entries as oauth;
use crate::plc::{self, KnownLog};
pub use crate::repo::entries::{dag_cbor, tree};

/// An operation log as a directory serves it, for somebody who saw `known` before. What is accepted
/// is kept, read back, and seen again.
pub fn plc_log(body: &[u8], did: &Did, known: Option<&[u8]>, now: Timestamp) {
    let known = known.and_then(|bytes| KnownLog::from_bytes(bytes).ok());
    let Ok(verified) = plc::verify(body, did, known.as_ref(), now) else {
        return;
    };
    let document = verified.state.document(did);
    let _ = crate::did_document::DidDocument::from_json(&document, did, false);
    let kept = KnownLog::from_bytes(&verified.known.to_bytes());
    let again = kept.map(|kept| plc::verify(body, did, Some(&kept), now));
    assert!(
        matches!(again, Ok(Ok(_))),
        "a log that was accepted is accepted again"
    );
}

/// The account that TXT records name, and the one that a host names.
pub fn handle_answers(texts: &[String], host: &[u8]) -> [Result<Did, ResolveError>; 2] {
    [handle::dns::named(texts), handle::hosted(host)]
}

/// A page of the records by which an account follows others.
pub fn follows(page: &Value) {
    crate::follows::entry_page(page);
}
