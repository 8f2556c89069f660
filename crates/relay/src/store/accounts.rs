//! Registered accounts and devices (§4.3).

use sotto_wire::challenge::Realm;
use sotto_wire::relay_api::Paused;

use super::declarations::{self, Verdict};
use super::sql::{Sql, params};
use super::{AccountRow, DeviceRow, Stored, messages};

/// A public key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// COSE_Key bytes.
    pub(crate) cose: Vec<u8>,
    /// Thumbprint.
    pub(crate) thumbprint: [u8; 32],
}

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
    /// The delegate key.
    pub(crate) key: Key,
    /// COSE_Key bytes of the keys that verifiably lead to it.
    pub(crate) predecessors: Vec<Vec<u8>>,
    /// Revision of the repository that says so.
    pub(crate) rev: String,
    /// Whether the delegate key is registered alone, as the only device.
    pub(crate) anchor: bool,
    /// When the declaration is looked at again.
    pub(crate) due: i64,
    /// How long an account that loses the DID to this one is kept.
    pub(crate) aside_until: i64,
    /// The signed roster; empty where the delegate key is registered alone.
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
    /// A later revision of the repository is known.
    StaleDeclaration,
    /// The account is registered in the other realm.
    OtherRealm,
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
    /// Whether its key is the account's delegate key, registered alone.
    pub(crate) anchor: bool,
    /// Why the account's DID mailbox takes nothing.
    pub(crate) paused: Option<Paused>,
}

impl Owner {
    /// The realm of its requests.
    pub(crate) fn realm(&self) -> Realm {
        if self.anchor {
            Realm::Anchor
        } else {
            Realm::Device
        }
    }
}

/// The registered device with that key thumbprint.
pub(crate) fn owner(sql: &dyn Sql, thumbprint: &[u8; 32]) -> Stored<Option<Owner>> {
    sql.first(
        "SELECT d.id, d.account, coalesce(s.did, a.did), d.device_id, d.device_key, a.roster_seq,
                    d.certificate_expires, a.anchor, a.paused
             FROM devices d JOIN accounts a ON a.id = d.account
             LEFT JOIN set_aside s ON s.account = a.id WHERE d.thumbprint = ?1",
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
                anchor: row.get(7)?,
                paused: declarations::paused(row.get(8)?),
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

/// An account as a registration meets it.
struct Known {
    account: AccountRow,
    key: Vec<u8>,
    anchor: bool,
    roster: Vec<u8>,
    roster_seq: i64,
}

fn known(sql: &dyn Sql, did: &str) -> Stored<Option<Known>> {
    sql.first(
        "SELECT id, delegate_key, anchor, roster, roster_seq FROM accounts
             WHERE did = ?1 /*! FOR NO KEY UPDATE */",
        params![did],
        |row| {
            Ok(Known {
                account: row.get(0)?,
                key: row.get(1)?,
                anchor: row.get(2)?,
                roster: row.get(3)?,
                roster_seq: row.get(4)?,
            })
        },
    )
}

/// Creates or updates the account, takes its roster, removes devices that left it, and registers
/// the device. An account whose key does not lead to the new one keeps what it has and loses the DID.
pub(crate) fn register(sql: &dyn Sql, new: &Registration) -> Stored<Registered> {
    let mut found = known(sql, &new.did)?;
    if let Some(before) = &found {
        if declarations::rev(sql, before.account)? > new.rev {
            return Ok(Registered::StaleDeclaration);
        }
        if before.key != new.key.cose && !new.predecessors.contains(&before.key) {
            declarations::set_aside(sql, before.account, new)?;
            found = None;
        }
    }
    if found.is_none() && declarations::bring_back(sql, new)? {
        found = known(sql, &new.did)?;
    }
    let (account, mut removed) = match found {
        None => (insert_account(sql, new)?, Vec::new()),
        Some(before) if before.anchor != new.anchor => return Ok(Registered::OtherRealm),
        Some(before) => match renewed(sql, &before, new)? {
            Err(refused) => return Ok(refused),
            Ok(ended) => (before.account, ended),
        },
    };
    declarations::registered(sql, account, &new.rev, new.due)?;
    removed.extend(remove_departed(sql, account, &new.devices)?);
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
    sql.one(
        "INSERT INTO accounts (did, delegate_key, anchor, roster, roster_seq)
             VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
        params![
            &new.did,
            &new.key.cose,
            new.anchor,
            &new.roster,
            new.roster_seq
        ],
        |row| row.get(0),
    )
}

/// Brings an account of the same realm up to date with its registration, or says why not. The
/// connections of these devices were signed by the key of before.
fn renewed(
    sql: &dyn Sql,
    before: &Known,
    new: &Registration,
) -> Stored<Result<Vec<DeviceRow>, Registered>> {
    if before.roster_seq > new.roster_seq
        || before.roster_seq == new.roster_seq && before.roster != new.roster
    {
        return Ok(Err(Registered::StaleRoster));
    }
    let mut ended = Vec::new();
    if before.key != new.key.cose {
        if new.anchor {
            move_from_others(sql, before.account, &new.key)?;
        }
        let rebound = declarations::rebind(sql, before.account, new.anchor, &new.key)?;
        if let Verdict::Rebound(devices) = rebound {
            ended = devices;
        }
    }
    sql.execute(
        "UPDATE accounts SET roster = ?2, roster_seq = ?3 WHERE id = ?1",
        params![before.account, &new.roster, new.roster_seq],
    )?;
    Ok(Ok(ended))
}

/// The holder of the key signed the request: it has moved from whichever account had it.
fn move_from_others(sql: &dyn Sql, account: AccountRow, key: &Key) -> Stored<()> {
    let elsewhere: Option<DeviceRow> = sql.first(
        "SELECT id FROM devices WHERE thumbprint = ?1 AND account <> ?2",
        params![key.thumbprint.as_slice(), account],
        |row| row.get(0),
    )?;
    match elsewhere {
        Some(device) => remove_device(sql, device),
        None => Ok(()),
    }
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
