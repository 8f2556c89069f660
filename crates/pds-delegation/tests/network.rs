//! Against real PDSes and a PLC directory on loopback (`tests/network`), with the service before
//! the PDSes. Where that network cannot be started these tests fail.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy counts only the test functions themselves as tests"
)]

#[path = "network/account.rs"]
mod account;
#[path = "network/changes.rs"]
mod changes;
#[path = "network/clients.rs"]
mod clients;
#[path = "network/double.rs"]
mod double;
#[path = "network/failures.rs"]
mod failures;
#[path = "network/fixture.rs"]
mod fixture;
#[path = "network/passing.rs"]
mod passing;
#[path = "network/tokens.rs"]
mod tokens;
