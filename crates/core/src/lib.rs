//! Sotto's core: accounts, conversations and their delivery, behind one facade ([`app::App`]).

pub mod account;
pub mod app;
mod attachments;
pub mod db;
mod delivery;
mod discovery;
#[cfg(feature = "testing")]
pub mod entries;
mod inbox;
pub mod messages;
pub mod mls;
pub mod outbox;
mod relay;
mod safety;
pub mod views;

#[cfg(test)]
extern crate self as sotto_core;
#[cfg(test)]
#[expect(unreachable_pub, reason = "benches/engine.rs includes it too")]
mod testing;
