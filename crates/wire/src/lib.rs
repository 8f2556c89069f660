//! What crosses the network: formats, signatures and keys of docs/protocol.md. No I/O, no async.
//!
//! Every format has vectors in `crates/wire/vectors/`. Decoders take bytes from strangers: they
//! bound what they read, accept one encoding of a value, and never panic.

pub mod attachment;
mod b64u;
pub mod cbor;
pub mod challenge;
pub mod claim;
pub mod content;
pub mod conversation;
pub mod delegation;
pub mod device;
pub mod did;
pub mod domain;
pub mod enabler;
pub mod first_contact;
pub mod frame;
pub mod grant;
pub mod http_sig;
pub mod key;
pub mod pair_put;
pub mod payload;
pub mod pds_api;
pub mod random;
pub mod relay_api;
pub mod roster;
pub mod safety_number;
mod secret;
pub mod sign1;
pub mod succession;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
#[cfg(test)]
mod vectors;
