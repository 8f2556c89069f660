//! Grants (§4.6): which address delivers to which device.

use sotto_wire::relay_api::GrantLifecycle;

use super::sql::{Sql, params};
use super::{DeviceRow, Stored};

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

/// Whether grants are issued to a device, where the relay as a whole stands at `policy`.
pub(crate) fn lifecycle(
    sql: &dyn Sql,
    device: DeviceRow,
    policy: GrantLifecycle,
    now: i64,
) -> Stored<GrantLifecycle> {
    let leaving = sql.exists(
        "SELECT 1 FROM devices WHERE id = ?1 AND draining = 1",
        params![device],
    )?;
    let held = count(sql, device, now)?;
    Ok(match policy {
        GrantLifecycle::Active if !leaving => GrantLifecycle::Active,
        _ if held > 0 => GrantLifecycle::Draining,
        _ => GrantLifecycle::Absent,
    })
}

/// Notes whether a device wants no new grants.
pub(crate) fn set_draining(sql: &dyn Sql, device: DeviceRow, draining: bool) -> Stored<()> {
    sql.execute(
        "UPDATE devices SET draining = ?2 WHERE id = ?1",
        params![device, draining],
    )?;
    Ok(())
}

/// Stores a new grant.
pub(crate) fn insert(
    sql: &dyn Sql,
    device: DeviceRow,
    address: &str,
    key: &[u8],
    expires_at: i64,
) -> Stored<()> {
    sql.execute(
        "INSERT INTO grants (address, key, device, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![address, key, device, expires_at],
    )?;
    Ok(())
}

/// How many live grants a device has.
pub(crate) fn count(sql: &dyn Sql, device: DeviceRow, now: i64) -> Stored<u64> {
    let count: i64 = sql.one(
        "SELECT count(*) FROM grants WHERE device = ?1 AND expires_at > ?2",
        params![device, now],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}

/// A device's live grants.
pub(crate) fn list(sql: &dyn Sql, device: DeviceRow, now: i64) -> Stored<Vec<Listed>> {
    sql.all(
        "SELECT address, expires_at, closed FROM grants
             WHERE device = ?1 AND expires_at > ?2 ORDER BY expires_at, address",
        params![device, now],
        |row| {
            Ok(Listed {
                address: row.get(0)?,
                expires_at: row.get(1)?,
                closed: row.get(2)?,
            })
        },
    )
}

/// Closes or reopens a grant of that device; `false` if it has no such grant.
pub(crate) fn set_closed(
    sql: &dyn Sql,
    device: DeviceRow,
    address: &str,
    closed: bool,
    now: i64,
) -> Stored<bool> {
    let changed = sql.execute(
        "UPDATE grants SET closed = ?3
             WHERE device = ?1 AND address = ?2 AND expires_at > ?4",
        params![device, address, closed, now],
    )?;
    Ok(changed > 0)
}

/// Invalidates a grant for good. What it brought already stays in the queue.
pub(crate) fn delete(sql: &dyn Sql, device: DeviceRow, address: &str) -> Stored<()> {
    sql.execute(
        "DELETE FROM grants WHERE device = ?1 AND address = ?2",
        params![device, address],
    )?;
    Ok(())
}
