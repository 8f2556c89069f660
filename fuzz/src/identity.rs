//! `sotto-identity`: what strangers' servers answer.

mod documents;
mod germ;
mod oauth;
mod repository;
mod server;

use crate::Target;
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;
use tokio::runtime::{Builder, Runtime};

/// The targets of this module.
pub const TARGETS: &[Target] = &[
    documents::DID_DOCUMENT,
    documents::PLC_LOG,
    documents::PLC_OPERATION,
    documents::HANDLE,
    documents::HANDLE_ANSWERS,
    germ::GERM_HELLO,
    germ::GERM_RECORD,
    oauth::OAUTH_ANSWER,
    oauth::OAUTH_METADATA,
    oauth::OAUTH_REDIRECT,
    repository::CAR,
    repository::DAG_CBOR,
    repository::TREE,
    server::SERVER,
];

const NOW: Timestamp = Timestamp(1_800_000_000);

/// The account that the vectors of operation logs are about.
fn did() -> Did {
    Did::parse("did:plc:fspiuofmmaduyqz6nb6rnqeo").expect("a DID")
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

/// The two halves of an input before and after its first line break.
fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let at = bytes.iter().position(|byte| *byte == b'\n');
    match at.and_then(|at| Some((bytes.get(..at)?, bytes.get(at + 1..)?))) {
        Some(halves) => halves,
        None => (bytes, &[]),
    }
}
