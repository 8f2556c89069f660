//! Registered accounts and devices (§4.3).

use rusqlite::{Connection, OptionalExtension};

use super::{AccountRow, DeviceRow, messages};

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
pub(crate) fn owner(
    connection: &Connection,
    thumbprint: &[u8; 32],
) -> rusqlite::Result<Option<Owner>> {
    connection
        .prepare_cached(
            "SELECT d.id, d.account, a.did, d.device_id, d.device_key, a.roster_seq,
                    d.certificate_expires
             FROM devices d JOIN accounts a ON a.id = d.account WHERE d.thumbprint = ?1",
        )?
        .query_row([thumbprint.as_slice()], |row| {
            Ok(Owner {
                device: row.get(0)?,
                account: row.get(1)?,
                did: row.get(2)?,
                device_id: row.get(3)?,
                device_key: row.get(4)?,
                roster_seq: row.get(5)?,
                certificate_expires: row.get(6)?,
            })
        })
        .optional()
}

/// Row of a registered account.
pub(crate) fn by_did(connection: &Connection, did: &str) -> rusqlite::Result<Option<AccountRow>> {
    connection
        .prepare_cached("SELECT id FROM accounts WHERE did = ?1")?
        .query_row([did], |row| row.get(0))
        .optional()
}

/// Rows of an account's devices, oldest first.
pub(crate) fn devices(
    connection: &Connection,
    account: AccountRow,
) -> rusqlite::Result<Vec<DeviceRow>> {
    connection
        .prepare_cached("SELECT id FROM devices WHERE account = ?1 ORDER BY id")?
        .query_map([account], |row| row.get(0))?
        .collect()
}

/// Creates or updates the account, takes its roster, removes devices that left it, and registers
/// the device.
pub(crate) fn register(
    connection: &Connection,
    new: &Registration,
) -> rusqlite::Result<Registered> {
    let known: Option<(AccountRow, i64, Vec<u8>)> = connection
        .prepare_cached("SELECT id, roster_seq, roster FROM accounts WHERE did = ?1")?
        .query_row([&new.did], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let account = match known {
        None => insert_account(connection, new)?,
        Some((account, seq, roster)) if seq == new.roster_seq && roster == new.roster => account,
        Some((account, seq, _)) if seq < new.roster_seq => {
            forget_packages_under_another_key(connection, account, new)?;
            update_account(connection, account, new)?;
            account
        }
        Some(_) => return Ok(Registered::StaleRoster),
    };
    let removed = remove_departed(connection, account, &new.devices)?;
    if upsert_device(connection, account, &new.device)? {
        Ok(Registered::Created { removed })
    } else {
        Ok(Registered::Existed { removed })
    }
}

/// Removes a device with its queue, grants and key packages; the account with its last device.
pub(crate) fn remove_device(connection: &Connection, device: DeviceRow) -> rusqlite::Result<()> {
    let account: Option<AccountRow> = connection
        .prepare_cached("DELETE FROM devices WHERE id = ?1 RETURNING account")?
        .query_row([device], |row| row.get(0))
        .optional()?;
    let Some(account) = account else {
        return Ok(());
    };
    messages::delete_unqueued(connection, account)?;
    connection
        .prepare_cached(
            "DELETE FROM accounts WHERE id = ?1
                AND NOT EXISTS (SELECT 1 FROM devices WHERE account = ?1)",
        )?
        .execute([account])?;
    Ok(())
}

fn insert_account(connection: &Connection, new: &Registration) -> rusqlite::Result<AccountRow> {
    connection
        .prepare_cached(
            "INSERT INTO accounts (did, delegate_key, roster, roster_seq) VALUES (?1, ?2, ?3, ?4)",
        )?
        .insert((&new.did, &new.delegate_key, &new.roster, new.roster_seq))
}

/// Key packages carry certificates under the delegate key: under another one, their owners publish
/// new ones (§4.3).
fn forget_packages_under_another_key(
    connection: &Connection,
    account: AccountRow,
    new: &Registration,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM key_packages WHERE device IN
                (SELECT d.id FROM devices d JOIN accounts a ON a.id = d.account
                 WHERE a.id = ?1 AND a.delegate_key <> ?2)",
        )?
        .execute((account, &new.delegate_key))?;
    Ok(())
}

fn update_account(
    connection: &Connection,
    account: AccountRow,
    new: &Registration,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE accounts SET delegate_key = ?2, roster = ?3, roster_seq = ?4 WHERE id = ?1",
        )?
        .execute((account, &new.delegate_key, &new.roster, new.roster_seq))?;
    Ok(())
}

fn remove_departed(
    connection: &Connection,
    account: AccountRow,
    roster: &[RosterDevice],
) -> rusqlite::Result<Vec<DeviceRow>> {
    let registered: Vec<(DeviceRow, [u8; 32])> = connection
        .prepare_cached("SELECT id, thumbprint FROM devices WHERE account = ?1")?
        .query_map([account], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut removed = Vec::new();
    for (device, thumbprint) in registered {
        match roster.iter().find(|listed| listed.thumbprint == thumbprint) {
            Some(listed) => {
                connection
                    .prepare_cached("UPDATE devices SET certificate_expires = ?2 WHERE id = ?1")?
                    .execute((device, listed.certificate_expires))?;
            }
            None => {
                connection
                    .prepare_cached("DELETE FROM devices WHERE id = ?1")?
                    .execute([device])?;
                removed.push(device);
            }
        }
    }
    messages::delete_unqueued(connection, account)?;
    Ok(removed)
}

/// Registers the device; `true` if it was not registered for this account before.
fn upsert_device(
    connection: &Connection,
    account: AccountRow,
    device: &RosterDevice,
) -> rusqlite::Result<bool> {
    let known: Option<(DeviceRow, AccountRow)> = connection
        .prepare_cached("SELECT id, account FROM devices WHERE thumbprint = ?1")?
        .query_row([device.thumbprint.as_slice()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    match known {
        Some((_, registered)) if registered == account => return Ok(false),
        // The holder of the key signed this request: it has moved to another account.
        Some((row, _)) => remove_device(connection, row)?,
        None => {}
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO devices
                (account, device_id, device_key, thumbprint, certificate_expires)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            account,
            device.device_id.as_slice(),
            &device.device_key,
            device.thumbprint.as_slice(),
            device.certificate_expires,
        ))?;
    Ok(true)
}
