//! The PDS API of delegations (docs/protocol.md §1.9) for a PDS that does not have it itself. It
//! stands before the PDS, answers `chat.sotto.*`, and passes everything else through.
//!
//! A call goes through `routes` (one route, one file), `auth` (who calls), `rules` (whether that
//! delegation may be), and `change` (record and DID document, next to one another), which asks
//! `upstream` (the PDS) and `directory` (did:plc). `pass` is everything else.

mod auth;
mod call;
mod change;
pub mod config;
mod directory;
#[cfg(feature = "testing")]
pub mod entries;
mod error;
pub mod log;
mod mint;
mod pass;
mod plc_operation;
mod routes;
mod rules;
mod running;
mod server;

mod state;
mod upstream;

pub use config::Config;
pub use running::{PdsDelegation, RunningPdsDelegation, StartError};
