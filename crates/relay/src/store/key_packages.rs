//! Key packages (§4.4). The relay never parses one.

use super::sql::{Sql, params};
use super::{AccountRow, DeviceRow, Stored};

/// Key packages of one device, by hash.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stock {
    /// Hash of the last resort.
    pub(crate) last_resort: Option<Vec<u8>>,
    /// Hashes of the single-use ones, oldest first.
    pub(crate) single_use: Vec<Vec<u8>>,
}

/// A package handed out.
#[derive(Debug, Clone)]
pub(crate) struct Handed {
    /// Device it is for.
    pub(crate) device_id: [u8; 16],
    /// The package.
    pub(crate) package: Vec<u8>,
    /// Whether others get it too.
    pub(crate) last_resort: bool,
}

/// Roster and packages of an account.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// The signed roster.
    pub(crate) roster: Vec<u8>,
    /// One package per device that has any.
    pub(crate) packages: Vec<Handed>,
}

/// Adds a single-use package, or keeps the one that is there. The owner's own order is kept.
pub(crate) fn add_single_use(
    sql: &dyn Sql,
    device: DeviceRow,
    hash: &[u8],
    package: &[u8],
) -> Stored<()> {
    sql.execute(
        "INSERT INTO key_packages (device, hash, package, last_resort)
             VALUES (?1, ?2, ?3, 0) ON CONFLICT DO NOTHING",
        params![device, hash, package],
    )?;
    Ok(())
}

/// Puts a last resort in the place of the one before.
pub(crate) fn replace_last_resort(
    sql: &dyn Sql,
    device: DeviceRow,
    hash: &[u8],
    package: &[u8],
) -> Stored<()> {
    sql.execute(
        "DELETE FROM key_packages WHERE device = ?1 AND last_resort = 1",
        params![device],
    )?;
    sql.execute(
        "INSERT INTO key_packages (device, hash, package, last_resort)
             VALUES (?1, ?2, ?3, 1)",
        params![device, hash, package],
    )?;
    Ok(())
}

/// What a device has here.
pub(crate) fn stock(sql: &dyn Sql, device: DeviceRow) -> Stored<Stock> {
    let rows: Vec<(Vec<u8>, bool)> = sql.all(
        "SELECT hash, last_resort FROM key_packages WHERE device = ?1 ORDER BY id",
        params![device],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut stock = Stock::default();
    for row in rows {
        match row {
            (hash, true) => stock.last_resort = Some(hash),
            (hash, false) => stock.single_use.push(hash),
        }
    }
    Ok(stock)
}

/// The earlier answer to this very claim, if it is not too old.
pub(crate) fn repeated_claim(sql: &dyn Sql, claim: &[u8], now: i64) -> Stored<Option<Vec<u8>>> {
    sql.first(
        "SELECT answer FROM claims WHERE claim = ?1 AND expires_at > ?2",
        params![claim, now],
        |row| row.get(0),
    )
}

/// The signed roster of an account, whose key packages are handed out.
pub(crate) fn roster(sql: &dyn Sql, did: &str) -> Stored<Option<Vec<u8>>> {
    sql.first(
        "SELECT roster FROM accounts WHERE did = ?1 AND paused = 0 AND anchor = 0",
        params![did],
        |row| row.get(0),
    )
}

/// Keeps the answer to a claim for its repetitions.
pub(crate) fn remember_claim(
    sql: &dyn Sql,
    claim: &[u8],
    answer: &[u8],
    expires_at: i64,
) -> Stored<()> {
    sql.execute(
        "INSERT INTO claims (claim, answer, expires_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (claim) DO UPDATE
             SET answer = excluded.answer, expires_at = excluded.expires_at",
        params![claim, answer, expires_at],
    )?;
    Ok(())
}

/// Takes one package per device: a single-use one, which is gone with this, or the last resort.
/// The last resort comes first where single-use ones are to be spared.
pub(crate) fn claim(sql: &dyn Sql, did: &str, sparing: bool) -> Stored<Option<Offer>> {
    offer(sql, did, |device| {
        let last = || -> Stored<_> { Ok(last_resort(sql, device)?.map(|package| (package, true))) };
        if sparing && let Some(package) = last()? {
            return Ok(Some(package));
        }
        match take_single_use(sql, device)? {
            Some(package) => Ok(Some((package, false))),
            None => last(),
        }
    })
}

fn take_single_use(sql: &dyn Sql, device: DeviceRow) -> Stored<Option<Vec<u8>>> {
    sql.first(
        "DELETE FROM key_packages WHERE id =
                (SELECT id FROM key_packages WHERE device = ?1 AND last_resort = 0
                 ORDER BY id LIMIT 1 /*! FOR UPDATE SKIP LOCKED */)
             RETURNING package",
        params![device],
        |row| row.get(0),
    )
}

/// Takes a package away that is not to be handed out any more; one that is not here is no error.
pub(crate) fn remove(sql: &dyn Sql, device: DeviceRow, hash: &[u8]) -> Stored<()> {
    sql.execute(
        "DELETE FROM key_packages WHERE device = ?1 AND hash = ?2",
        params![device, hash],
    )?;
    Ok(())
}

/// The last resort of every device.
pub(crate) fn last_resorts(sql: &dyn Sql, did: &str) -> Stored<Option<Offer>> {
    offer(sql, did, |device| {
        Ok(last_resort(sql, device)?.map(|package| (package, true)))
    })
}

fn offer(
    sql: &dyn Sql,
    did: &str,
    mut take: impl FnMut(DeviceRow) -> Stored<Option<(Vec<u8>, bool)>>,
) -> Stored<Option<Offer>> {
    let account: Option<(AccountRow, Vec<u8>)> = sql.first(
        "SELECT id, roster FROM accounts WHERE did = ?1 AND paused = 0 AND anchor = 0",
        params![did],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let Some((account, roster)) = account else {
        return Ok(None);
    };
    let devices: Vec<(DeviceRow, [u8; 16])> = sql.all(
        "SELECT id, device_id FROM devices WHERE account = ?1 ORDER BY id",
        params![account],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut packages = Vec::new();
    for (device, device_id) in devices {
        if let Some((package, last_resort)) = take(device)? {
            packages.push(Handed {
                device_id,
                package,
                last_resort,
            });
        }
    }
    Ok(Some(Offer { roster, packages }))
}

fn last_resort(sql: &dyn Sql, device: DeviceRow) -> Stored<Option<Vec<u8>>> {
    sql.first(
        "SELECT package FROM key_packages WHERE device = ?1 AND last_resort = 1",
        params![device],
        |row| row.get(0),
    )
}
