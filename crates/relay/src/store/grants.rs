//! Grants (§4.6): which address delivers to which device.

use rusqlite::Connection;

use super::DeviceRow;

/// A grant as its owner sees it listed.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// Its address.
    pub(crate) address: String,
    /// When it ends.
    pub(crate) expires_at: i64,
    /// Whether puts are dropped at the moment.
    pub(crate) closed: bool,
}

/// Stores a new grant.
pub(crate) fn insert(
    connection: &Connection,
    device: DeviceRow,
    address: &str,
    key: &[u8],
    expires_at: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO grants (address, key, device, expires_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((address, key, device, expires_at))?;
    Ok(())
}

/// How many live grants a device has.
pub(crate) fn count(connection: &Connection, device: DeviceRow, now: i64) -> rusqlite::Result<u64> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM grants WHERE device = ?1 AND expires_at > ?2")?
        .query_row((device, now), |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}

/// A device's live grants.
pub(crate) fn list(
    connection: &Connection,
    device: DeviceRow,
    now: i64,
) -> rusqlite::Result<Vec<Listed>> {
    connection
        .prepare_cached(
            "SELECT address, expires_at, closed FROM grants
             WHERE device = ?1 AND expires_at > ?2 ORDER BY expires_at, address",
        )?
        .query_map((device, now), |row| {
            Ok(Listed {
                address: row.get(0)?,
                expires_at: row.get(1)?,
                closed: row.get(2)?,
            })
        })?
        .collect()
}

/// Closes or reopens a grant of that device; `false` if it has no such grant.
pub(crate) fn set_closed(
    connection: &Connection,
    device: DeviceRow,
    address: &str,
    closed: bool,
    now: i64,
) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE grants SET closed = ?3
             WHERE device = ?1 AND address = ?2 AND expires_at > ?4",
        )?
        .execute((device, address, closed, now))?;
    Ok(changed > 0)
}

/// Invalidates a grant for good. What it brought already stays in the queue.
pub(crate) fn delete(
    connection: &Connection,
    device: DeviceRow,
    address: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM grants WHERE device = ?1 AND address = ?2")?
        .execute((device, address))?;
    Ok(())
}
