//! Everything a flow test needs: a real AT Protocol network, real relays, accounts that sign in
//! by themselves, a network that fails on demand, a clock that can be moved.
//!
//! Nothing here skips: what cannot be started fails the test that needs it.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot be prepared has failed"
)]

mod browser;
mod cli;
mod client;
mod clock;
mod dice;
#[cfg(unix)]
mod disk;
mod follow;
mod grant;
#[cfg(unix)]
mod lifeline;
mod logs;
mod mailbox;
mod network;
mod paths;
mod pds_api;
#[cfg(unix)]
mod postgres;
mod proxy;
mod relay;
#[cfg(unix)]
pub mod siege;

pub use browser::{Decision, TestBrowser};
pub use cli::Cli;
pub use client::{Client, Told};
pub use clock::MovableClock;
pub use dice::Dice;
#[cfg(unix)]
pub use disk::Disk;
pub use grant::HeldGrant;
pub use logs::logged;
pub use mailbox::{Events, Mailbox, Trouble, next_event};
pub use network::{Account, Network, network};
pub use paths::program;
pub use pds_api::PdsApi;
#[cfg(unix)]
pub use postgres::Postgres;
pub use proxy::Proxy;
pub use relay::{Relay, free_port};

use std::time::Duration;

/// Longer than anything should take on a machine that builds at the same time.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `holds` says so.
///
/// # Panics
/// After [`PATIENCE`], with `what` was waited for.
pub async fn until<F>(what: &str, mut holds: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, wait).await.is_err() {
        panic!("waited in vain: {what}\n{}", logged());
    }
}
