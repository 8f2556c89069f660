//! Registered accounts and devices (§4.3).

use super::sql::{Sql, params};
use super::{AccountRow, DeviceRow, Stored, messages};

/// A device of a roster, as far as the relay keeps it.
#[derive(Debug, Clone)]
pub(crate) struct RosterDevice {
    /// Id in the certificate.
    pub(crate) device_id: [u8; 16],
    /// COSE_Key bytes.
    pub(crate) device_key: Vec<u8>,
    /// Thumbprint of that key.
    pub(crate) thumbprint: [u8; 32],
    /// End of the certificate.
    pub(crate) certificate_expires: i64,
}

/// Everything a registration brings, verified.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    /// The account.
    pub(crate) did: String,
    /// COSE_Key bytes of the delegate key.
    pub(crate) delegate_key: Vec<u8>,
    /// The signed roster.
    pub(crate) roster: Vec<u8>,
    /// Its sequence number.
    pub(crate) roster_seq: i64,
    /// The device that registers.
    pub(crate) device: RosterDevice,
    /// All devices of the roster.
    pub(crate) devices: Vec<RosterDevice>,
}

/// What a registration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Registered {
    /// The device is new here.
    Created { removed: Vec<DeviceRow> },
    /// It was registered before.
    Existed { removed: Vec<DeviceRow> },
    /// A roster that is newer, or another of the same number, is known.
    StaleRoster,
}

/// The device behind a request.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    /// Row of the device.
    pub(crate) device: DeviceRow,
    /// Row of its account.
    pub(crate) account: AccountRow,
    /// The account.
    pub(crate) did: String,
    /// Id in the certificate.
    pub(crate) device_id: [u8; 16],
    /// COSE_Key bytes.
    pub(crate) device_key: Vec<u8>,
    /// Sequence number of the account's roster.
    pub(crate) roster_seq: i64,
    /// End of the device's certificate.
    pub(crate) certificate_expires: i64,
}

/// The registered device with that key thumbprint.
pub(crate) fn owner(sql: &dyn Sql, thumbprint: &[u8; 32]) -> Stored<Option<Owner>> {
    sql.first(
        "SELECT d.id, d.account, a.did, d.device_id, d.device_key, a.roster_seq,
                    d.certificate_expires
             FROM devices d JOIN accounts a ON a.id = d.account WHERE d.thumbprint = ?1",
        params![thumbprint.as_slice()],
        |row| {
            Ok(Owner {
                device: row.get(0)?,
                account: row.get(1)?,
                did: row.get(2)?,
                device_id: row.get(3)?,
                device_key: row.get(4)?,
                roster_seq: row.get(5)?,
                certificate_expires: row.get(6)?,
            })
        },
    )
}

/// Row of a registered account, which nobody else changes until the transaction ends: what is read
/// of it and its devices is still so when something is written.
pub(crate) fn locked_by_did(sql: &dyn Sql, did: &str) -> Stored<Option<AccountRow>> {
    sql.first(
        "SELECT id FROM accounts WHERE did = ?1 /*! FOR NO KEY UPDATE */",
        params![did],
        |row| row.get(0),
    )
}

/// The same of a known row.
pub(crate) fn lock(sql: &dyn Sql, account: AccountRow) -> Stored<()> {
    sql.exists(
        "SELECT 1 FROM accounts WHERE id = ?1 /*! FOR NO KEY UPDATE */",
        params![account],
    )
    .map(drop)
}

/// Keeps others from changing a device, with its grants and key packages, until the transaction ends.
pub(crate) fn lock_device(sql: &dyn Sql, device: DeviceRow) -> Stored<()> {
    sql.exists(
        "SELECT 1 FROM devices WHERE id = ?1 /*! FOR NO KEY UPDATE */",
        params![device],
    )
    .map(drop)
}

/// Rows of an account's devices, oldest first.
pub(crate) fn devices(sql: &dyn Sql, account: AccountRow) -> Stored<Vec<DeviceRow>> {
    sql.all(
        "SELECT id FROM devices WHERE account = ?1 ORDER BY id",
        params![account],
        |row| row.get(0),
    )
}

/// Creates or updates the account, takes its roster, removes devices that left it, and registers
/// the device.
pub(crate) fn register(sql: &dyn Sql, new: &Registration) -> Stored<Registered> {
    let known: Option<(AccountRow, i64, Vec<u8>)> = sql.first(
        "SELECT id, roster_seq, roster FROM accounts WHERE did = ?1 /*! FOR NO KEY UPDATE */",
        params![&new.did],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let account = match known {
        None => insert_account(sql, new)?,
        Some((account, seq, roster)) if seq == new.roster_seq && roster == new.roster => account,
        Some((account, seq, _)) if seq < new.roster_seq => {
            forget_packages_under_another_key(sql, account, new)?;
            update_account(sql, account, new)?;
            account
        }
        Some(_) => return Ok(Registered::StaleRoster),
    };
    let removed = remove_departed(sql, account, &new.devices)?;
    if upsert_device(sql, account, &new.device)? {
        Ok(Registered::Created { removed })
    } else {
        Ok(Registered::Existed { removed })
    }
}

/// Removes a device with its queue, grants and key packages; the account with its last device.
pub(crate) fn remove_device(sql: &dyn Sql, device: DeviceRow) -> Stored<()> {
    let account: Option<AccountRow> = sql.first(
        "SELECT account FROM devices WHERE id = ?1",
        params![device],
        |row| row.get(0),
    )?;
    let Some(account) = account else {
        return Ok(());
    };
    // Before anything else: a device that registers meanwhile keeps its account.
    lock(sql, account)?;
    sql.execute("DELETE FROM devices WHERE id = ?1", params![device])?;
    messages::delete_unqueued(sql, account)?;
    sql.execute(
        "DELETE FROM accounts WHERE id = ?1
                AND NOT EXISTS (SELECT 1 FROM devices WHERE account = ?1)",
        params![account],
    )?;
    Ok(())
}

fn insert_account(sql: &dyn Sql, new: &Registration) -> Stored<AccountRow> {
    sql.one("INSERT INTO accounts (did, delegate_key, roster, roster_seq) VALUES (?1, ?2, ?3, ?4) RETURNING id", params![&new.did, &new.delegate_key, &new.roster, new.roster_seq], |row| row.get(0))
}

/// Key packages carry certificates under the delegate key: under another one, their owners publish
/// new ones (§4.3).
fn forget_packages_under_another_key(
    sql: &dyn Sql,
    account: AccountRow,
    new: &Registration,
) -> Stored<()> {
    sql.execute(
        "DELETE FROM key_packages WHERE device IN
                (SELECT d.id FROM devices d JOIN accounts a ON a.id = d.account
                 WHERE a.id = ?1 AND a.delegate_key <> ?2)",
        params![account, &new.delegate_key],
    )?;
    Ok(())
}

fn update_account(sql: &dyn Sql, account: AccountRow, new: &Registration) -> Stored<()> {
    sql.execute(
        "UPDATE accounts SET delegate_key = ?2, roster = ?3, roster_seq = ?4 WHERE id = ?1",
        params![account, &new.delegate_key, &new.roster, new.roster_seq],
    )?;
    Ok(())
}

fn remove_departed(
    sql: &dyn Sql,
    account: AccountRow,
    roster: &[RosterDevice],
) -> Stored<Vec<DeviceRow>> {
    let registered: Vec<(DeviceRow, [u8; 32])> = sql.all(
        "SELECT id, thumbprint FROM devices WHERE account = ?1",
        params![account],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut removed = Vec::new();
    for (device, thumbprint) in registered {
        match roster.iter().find(|listed| listed.thumbprint == thumbprint) {
            Some(listed) => {
                sql.execute(
                    "UPDATE devices SET certificate_expires = ?2 WHERE id = ?1",
                    params![device, listed.certificate_expires],
                )?;
            }
            None => {
                sql.execute("DELETE FROM devices WHERE id = ?1", params![device])?;
                removed.push(device);
            }
        }
    }
    messages::delete_unqueued(sql, account)?;
    Ok(removed)
}

/// Registers the device; `true` if it was not registered for this account before.
fn upsert_device(sql: &dyn Sql, account: AccountRow, device: &RosterDevice) -> Stored<bool> {
    let known: Option<(DeviceRow, AccountRow)> = sql.first(
        "SELECT id, account FROM devices WHERE thumbprint = ?1",
        params![device.thumbprint.as_slice()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    match known {
        Some((_, registered)) if registered == account => return Ok(false),
        // The holder of the key signed this request: it has moved to another account.
        Some((row, _)) => remove_device(sql, row)?,
        None => {}
    }
    // Another key under the same id: what was for the old one cannot be opened by this one.
    sql.execute(
        "DELETE FROM devices WHERE account = ?1 AND device_id = ?2",
        params![account, device.device_id.as_slice()],
    )?;
    sql.execute(
        "INSERT INTO devices
                (account, device_id, device_key, thumbprint, certificate_expires)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            account,
            device.device_id.as_slice(),
            &device.device_key,
            device.thumbprint.as_slice(),
            device.certificate_expires
        ],
    )?;
    Ok(true)
}
