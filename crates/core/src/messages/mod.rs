//! Messages: written, sealed, received, read again (docs/protocol.md §3, §5).

pub mod around;
pub(crate) mod attach;
pub mod compose;
pub mod content;
pub mod drafts;
mod error;
pub(crate) mod forget;
pub mod history;
mod notice;
pub mod origin;
mod place;
pub mod receive;
pub(crate) mod recertify;
pub(crate) mod relocate;
pub(crate) mod renew;
pub(crate) mod repair;
pub mod requests;
pub mod seal;
pub mod search;
pub mod start;
mod upkeep;

pub use crate::outbox::MessageState;
pub use compose::ComposeError;
pub use error::EngineError;
pub use history::{Conversation, Message};
pub use receive::{Incoming, Outcome, Source};
pub use upkeep::{housekeep, retry};

use crate::db::{Database, DatabaseKey, DbError, WriteTx};
use sotto_wire::random::Random;
use sotto_wire::time::Clock;
use std::path::Path;
use std::sync::Arc;

/// Opens the database of an account, with the tables of MLS in it and without the messages whose
/// time has come. Blocks.
///
/// # Errors
/// As [`Database::open`].
pub fn open(
    path: &Path,
    key: &DatabaseKey,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<Database, DbError> {
    let database = Database::open(path, key, crate::mls::create_tables, clock, random)?;
    // What was to disappear while nothing ran is gone before anything is shown.
    let rest = |tx: &mut WriteTx<'_>| content::sweep(tx);
    while database.write_blocking(rest)? {}
    Ok(database)
}

/// As [`open`], for a simulation: see [`Database::watched`].
///
/// # Errors
/// As [`Database::open`].
#[cfg(feature = "testing")]
pub fn open_watched(
    path: &Path,
    key: &DatabaseKey,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    watch: Arc<dyn crate::db::Watch>,
) -> Result<Database, DbError> {
    Database::watched(path, key, crate::mls::create_tables, clock, random, watch)
}

#[cfg(test)]
mod tests;
