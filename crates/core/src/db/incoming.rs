//! The account's own policy for first contacts (docs/protocol.md §3.5).

use super::error::DbError;
use super::{Change, WriteTx};
use rusqlite::Connection;
use sotto_wire::claim::Incoming;

/// From whom first contacts are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// As the user wants it; counts here at once.
    pub incoming: Incoming,
    /// Whether the delegation record was seen to say so.
    pub published: bool,
}

/// The policy as it is.
///
/// # Errors
/// When SQLite fails or the row does not decode.
pub fn policy(connection: &Connection) -> Result<Policy, DbError> {
    let mut statement = connection.prepare_cached("SELECT policy, published FROM incoming")?;
    let (text, published): (String, bool) =
        statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let incoming = Incoming::parse(&text).ok_or(DbError::Stored("policy"))?;
    Ok(Policy {
        incoming,
        published,
    })
}

/// Stores a policy that is yet to be published.
///
/// # Errors
/// When SQLite fails.
pub fn choose(tx: &WriteTx<'_>, incoming: Incoming) -> Result<(), DbError> {
    tx.execute(
        "UPDATE incoming SET policy = ?1, published = 0",
        [incoming.as_str()],
    )?;
    tx.changed(Change::Requests);
    Ok(())
}

/// The record was seen to say this; `false` where the policy has changed again meanwhile.
///
/// # Errors
/// When SQLite fails.
pub fn published(tx: &WriteTx<'_>, incoming: Incoming) -> Result<bool, DbError> {
    let changed = tx.execute(
        "UPDATE incoming SET published = 1 WHERE policy = ?1",
        [incoming.as_str()],
    )?;
    tx.changed(Change::Requests);
    Ok(changed == 1)
}

/// How many requests went for want of room since there last were none.
///
/// # Errors
/// When SQLite fails.
pub fn dropped(connection: &Connection) -> Result<u32, DbError> {
    let mut statement = connection.prepare_cached("SELECT dropped FROM incoming")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// One more went.
pub(crate) fn count_dropped(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.execute(
        "UPDATE incoming SET dropped = min(dropped + 1, 1000000)",
        [],
    )?;
    Ok(())
}

/// The user has dealt with all there were.
pub(crate) fn forget_dropped(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.execute("UPDATE incoming SET dropped = 0", [])?;
    Ok(())
}
