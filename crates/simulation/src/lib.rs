//! Clients, relays and the accounts' hosts in one process, under a seed: everything that can go wrong
//! does, and nothing may be lost, doubled or misordered (docs/simulation.md).
//!
//! Real are the app with its delivery tasks, MLS and its encrypted database on disk, and the relays
//! with their routes, WebSockets and databases. Everything runs on one thread and a clock that moves
//! only when nobody has anything to do, so that a seed is always the same run. The network is one of
//! our own ([`net`]), and the accounts' hosts are a double ([`pds`]), because both have to misbehave.

mod acts;
pub mod chance;
pub mod check;
pub mod keys;
pub mod ledger;
mod link;
pub mod log;
pub mod machine;
pub mod net;
pub mod pds;
pub mod plan;
pub mod power;
pub mod quiet;
pub mod relays;
pub mod remains;
pub mod report;
pub mod run;
mod scene;
pub mod seals;
pub mod time;
mod user;
