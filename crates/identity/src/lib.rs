//! Accounts of the AT network: finding them, verifying what they publish (docs/protocol.md §1), and
//! signing in to one's own.
//!
//! Everything read here comes from strangers' servers. It is bounded in size and time, checked
//! before it is believed, and cannot cause a panic.

pub mod anchoring;
pub mod did_document;
#[cfg(feature = "testing")]
pub mod entries;
pub mod follows;
pub mod germ;
pub mod handle;
#[cfg(feature = "testing")]
pub mod hosted;
pub mod http;
mod network;
pub mod oauth;
pub mod pds_api;
pub mod plc;
pub mod profile;
pub mod repo;
pub mod verify;

#[cfg(test)]
mod testing;

pub use network::{Endpoints, Network};
