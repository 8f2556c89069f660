//! Key packages (§4.4). The relay never parses one.

use rusqlite::{Connection, OptionalExtension};

use super::{AccountRow, DeviceRow};

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
    connection: &Connection,
    device: DeviceRow,
    hash: &[u8],
    package: &[u8],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO key_packages (device, hash, package, last_resort)
             VALUES (?1, ?2, ?3, 0)",
        )?
        .execute((device, hash, package))?;
    Ok(())
}

/// Puts a last resort in the place of the one before.
pub(crate) fn replace_last_resort(
    connection: &Connection,
    device: DeviceRow,
    hash: &[u8],
    package: &[u8],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM key_packages WHERE device = ?1 AND last_resort = 1")?
        .execute([device])?;
    connection
        .prepare_cached(
            "INSERT INTO key_packages (device, hash, package, last_resort)
             VALUES (?1, ?2, ?3, 1)",
        )?
        .execute((device, hash, package))?;
    Ok(())
}

/// What a device has here.
pub(crate) fn stock(connection: &Connection, device: DeviceRow) -> rusqlite::Result<Stock> {
    let mut stock = Stock::default();
    let mut statement = connection.prepare_cached(
        "SELECT hash, last_resort FROM key_packages WHERE device = ?1 ORDER BY id",
    )?;
    let rows = statement.query_map([device], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for row in rows {
        match row? {
            (hash, true) => stock.last_resort = Some(hash),
            (hash, false) => stock.single_use.push(hash),
        }
    }
    Ok(stock)
}

/// The earlier answer to this very claim, if it is not too old.
pub(crate) fn repeated_claim(
    connection: &Connection,
    claim: &[u8],
    now: i64,
) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT answer FROM claims WHERE claim = ?1 AND expires_at > ?2")?
        .query_row((claim, now), |row| row.get(0))
        .optional()
}

/// The signed roster of an account.
pub(crate) fn roster(connection: &Connection, did: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT roster FROM accounts WHERE did = ?1")?
        .query_row([did], |row| row.get(0))
        .optional()
}

/// Keeps the answer to a claim for its repetitions.
pub(crate) fn remember_claim(
    connection: &Connection,
    claim: &[u8],
    answer: &[u8],
    expires_at: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO claims (claim, answer, expires_at) VALUES (?1, ?2, ?3)",
        )?
        .execute((claim, answer, expires_at))?;
    Ok(())
}

/// Takes one package per device: a single-use one, which is gone with this, or the last resort.
/// The last resort comes first where single-use ones are to be spared.
pub(crate) fn claim(
    connection: &Connection,
    did: &str,
    sparing: bool,
) -> rusqlite::Result<Option<Offer>> {
    offer(connection, did, |device| {
        let last = || -> rusqlite::Result<_> {
            Ok(last_resort(connection, device)?.map(|package| (package, true)))
        };
        if sparing && let Some(package) = last()? {
            return Ok(Some(package));
        }
        match take_single_use(connection, device)? {
            Some(package) => Ok(Some((package, false))),
            None => last(),
        }
    })
}

fn take_single_use(
    connection: &Connection,
    device: DeviceRow,
) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached(
            "DELETE FROM key_packages WHERE id =
                (SELECT id FROM key_packages WHERE device = ?1 AND last_resort = 0
                 ORDER BY id LIMIT 1)
             RETURNING package",
        )?
        .query_row([device], |row| row.get(0))
        .optional()
}

/// Takes a package away that is not to be handed out any more; one that is not here is no error.
pub(crate) fn remove(
    connection: &Connection,
    device: DeviceRow,
    hash: &[u8],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM key_packages WHERE device = ?1 AND hash = ?2")?
        .execute((device, hash))?;
    Ok(())
}

/// The last resort of every device.
pub(crate) fn last_resorts(connection: &Connection, did: &str) -> rusqlite::Result<Option<Offer>> {
    offer(connection, did, |device| {
        Ok(last_resort(connection, device)?.map(|package| (package, true)))
    })
}

fn offer(
    connection: &Connection,
    did: &str,
    mut take: impl FnMut(DeviceRow) -> rusqlite::Result<Option<(Vec<u8>, bool)>>,
) -> rusqlite::Result<Option<Offer>> {
    let account: Option<(AccountRow, Vec<u8>)> = connection
        .prepare_cached("SELECT id, roster FROM accounts WHERE did = ?1")?
        .query_row([did], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((account, roster)) = account else {
        return Ok(None);
    };
    let devices: Vec<(DeviceRow, [u8; 16])> = connection
        .prepare_cached("SELECT id, device_id FROM devices WHERE account = ?1 ORDER BY id")?
        .query_map([account], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
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

fn last_resort(connection: &Connection, device: DeviceRow) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT package FROM key_packages WHERE device = ?1 AND last_resort = 1")?
        .query_row([device], |row| row.get(0))
        .optional()
}
