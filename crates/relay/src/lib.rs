//! The Sotto relay: the server at an account's discovery domain (docs/protocol.md §4). It keeps
//! what is put for a device until that device has acknowledged it, hands out key packages, and
//! knows as little as that allows.
//!
//! A request goes through `server`, `routes` (one route, one file), and `store`; a grant put is
//! answered once journaled and resolved by `journal` afterwards.

#![cfg_attr(
    test,
    expect(
        clippy::duplicate_mod,
        reason = "the tests are compiled once for each engine"
    )
)]

mod accounts;
mod admission;
mod auth;
mod body;
mod challenge;
pub mod config;
mod delivery;
#[cfg(feature = "testing")]
pub mod entries;
mod error;
mod gather;
mod journal;
mod live;
pub mod log;
mod metrics;
mod neighbours;
mod objects;
mod rate;
mod relay;
mod reply;
mod routes;
mod senders;
mod server;
#[cfg(feature = "testing")]
mod simulated;
mod state;
mod store;
pub mod supervisor;
mod sweep;
#[cfg(test)]
mod tests;
mod watch;
// The same tests over the other engine (`tests::world::on_postgres`).
#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests_on_postgres;
mod tls;

pub use config::Config;
pub use relay::{Relay, RunningRelay, StartError};
#[cfg(feature = "testing")]
pub use simulated::SimulatedRelay;
#[cfg(feature = "testing")]
pub use store::Watch;
pub use store::{BackupError, backup};
pub use tls::TlsError;
