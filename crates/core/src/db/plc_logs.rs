//! The PLC operation logs of accounts, as far as they have been verified (docs/protocol.md §1.5).

use super::WriteTx;
use super::error::DbError;
use rusqlite::{Connection, OptionalExtension, params};
use sotto_identity::plc::KnownLog;
use sotto_wire::did::Did;

/// What is known of an account's log.
///
/// # Errors
/// When SQLite fails or the row does not decode.
pub fn known(connection: &Connection, did: &Did) -> Result<Option<KnownLog>, DbError> {
    let mut statement = connection.prepare_cached("SELECT known FROM plc_log WHERE did = ?1")?;
    let found: Option<Vec<u8>> = statement
        .query_row([did.as_str()], |row| row.get(0))
        .optional()?;
    found
        .map(|bytes| KnownLog::from_bytes(&bytes).map_err(|_| DbError::Stored("operation log")))
        .transpose()
}

/// Keeps a log that was verified, unless more of it is known already: two verifications may have
/// overtaken each other.
///
/// # Errors
/// When SQLite fails or what is stored does not decode.
pub fn keep(tx: &WriteTx<'_>, log: &KnownLog) -> Result<(), DbError> {
    let stored = known(tx, log.did())?;
    if stored.is_some_and(|stored| !log.extends(&stored)) {
        return Ok(());
    }
    tx.prepare_cached("INSERT OR REPLACE INTO plc_log (did, known) VALUES (?1, ?2)")?
        .execute(params![log.did().as_str(), log.to_bytes()])?;
    Ok(())
}

#[cfg(test)]
mod tests;
