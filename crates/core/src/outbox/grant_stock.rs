//! Grants at the own relay: a stock, given to peers' devices one by one (docs/protocol.md §4.6).

use crate::db::{Change, DbError, PeerId, WriteTx};
use rusqlite::{Connection, OptionalExtension, ToSql, params};
use sotto_wire::device::DeviceId;
use sotto_wire::domain::Domain;
use sotto_wire::frame::SealKey;
use sotto_wire::grant::{Address, GrantKey, IssuedGrant};
use sotto_wire::time::Timestamp;

/// Half of a grant's life of 90 days, in seconds: a grant with less left is replaced, and is not
/// worth giving away.
const HALF_LIFE: u64 = 45 * 86_400;

/// Only grants of the own relay are given to anybody.
const AT_OWN_RELAY: &str = "host = (SELECT domain FROM own_account)";

/// Puts grants that the relay `host` issued into stock, each paired with a fresh seal key. The caller
/// has recomputed the addresses.
///
/// # Errors
/// When the database fails.
pub fn add(tx: &WriteTx<'_>, host: &Domain, grants: Vec<IssuedGrant>) -> Result<(), DbError> {
    for grant in grants {
        let seal = SealKey::generate(tx.random());
        tx.prepare_cached(
            "INSERT INTO issued_grant (address, key, seal, expires_s, host)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (address) DO NOTHING",
        )?
        .execute(params![
            grant.address.as_str(),
            grant.key.as_bytes(),
            seal.as_bytes(),
            grant.expires.0,
            host.as_str()
        ])?;
    }
    tx.changed(Change::Outbox);
    Ok(())
}

/// Grants in stock that are worth giving away.
///
/// # Errors
/// When the database fails.
pub fn count(connection: &Connection, now: Timestamp) -> Result<usize, DbError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT count(*) FROM issued_grant
         WHERE peer_device IS NULL AND void = 0 AND expires_s >= ?1 AND {AT_OWN_RELAY}"
    ))?;
    Ok(statement.query_row([now.0 + HALF_LIFE], |row| row.get(0))?)
}

/// A grant of our own: what arrives at it is sealed under `seal`.
pub(crate) struct Issued {
    pub(crate) key: GrantKey,
    pub(crate) seal: SealKey,
    pub(crate) expires: Timestamp,
}

/// How a device stands with grants to reach us by.
pub(crate) enum Standing {
    /// It has one with enough life left.
    Fine,
    /// It has one that should be replaced.
    Ageing,
    /// It has none, or may not know the one it has.
    Missing,
}

pub(crate) fn standing(tx: &WriteTx<'_>, device: i64) -> Result<Standing, DbError> {
    let expires: Option<u64> = tx
        .prepare_cached(&format!(
            "SELECT max(expires_s) FROM issued_grant
             WHERE peer_device = ?1 AND superseded = 0 AND void = 0 AND {AT_OWN_RELAY}"
        ))?
        .query_row([device], |row| row.get(0))?;
    let now = tx.now();
    Ok(match expires {
        Some(expires) if expires > now.0 + HALF_LIFE => Standing::Fine,
        Some(expires) if expires > now.0 => Standing::Ageing,
        _ => Standing::Missing,
    })
}

/// Takes a grant out of stock for a device; `None` where the stock is empty. In the place of one at a
/// relay that was left, it has the seal key of that one: the same bytes can be put at either.
pub(crate) fn assign(tx: &WriteTx<'_>, device: i64) -> Result<Option<Issued>, DbError> {
    let mut statement = tx.prepare_cached(&format!(
        "UPDATE issued_grant SET peer_device = ?1, seal = coalesce(
           (SELECT before.seal FROM issued_grant before
            WHERE before.peer_device = ?1 AND before.void = 0
              AND before.host <> (SELECT domain FROM own_account)
              AND NOT EXISTS (SELECT 1 FROM issued_grant later
                              WHERE later.peer_device = ?1 AND later.void = 0 AND later.given > before.given)
            ORDER BY before.given DESC LIMIT 1), seal),
           given = 1 + (SELECT coalesce(max(given), 0) FROM issued_grant)
         WHERE id = (SELECT id FROM issued_grant
                     WHERE peer_device IS NULL AND void = 0 AND expires_s >= ?2 AND {AT_OWN_RELAY}
                     ORDER BY expires_s DESC LIMIT 1)
         RETURNING key, seal, expires_s"
    ))?;
    let grant = statement.query_row(params![device, tx.now().0 + HALF_LIFE], |row| {
        Ok(Issued {
            key: GrantKey::from_bytes(row.get(0)?),
            seal: SealKey::from_bytes(row.get(1)?),
            expires: Timestamp(row.get(2)?),
        })
    });
    Ok(grant.optional()?)
}

/// Under which key frames arrive at an address, and from which device.
pub(crate) fn at(
    connection: &Connection,
    address: &Address,
) -> Result<Option<(SealKey, i64)>, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT seal, peer_device FROM issued_grant
         WHERE address = ?1 AND peer_device IS NOT NULL AND void = 0",
    )?;
    let found = statement.query_row([address.as_str()], |row| {
        Ok((SealKey::from_bytes(row.get(0)?), row.get(1)?))
    });
    Ok(found.optional()?)
}

/// Something came by the grant at this address: the device that it was given to has it.
pub(crate) fn note_use(tx: &WriteTx<'_>, address: &Address) -> Result<(), DbError> {
    let first = tx
        .prepare_cached("UPDATE issued_grant SET used = 1 WHERE address = ?1 AND used = 0")?
        .execute([address.as_str()])?;
    let following = "SELECT 1 FROM former_relay";
    if first > 0 && tx.prepare_cached(following)?.exists([])? {
        // It shows who is still to follow.
        tx.changed(Change::Account);
    }
    Ok(())
}

/// What is known of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// A grant, in stock or given to a device.
    Live,
    /// A grant that was cut off on purpose.
    Void,
    /// Nothing.
    Never,
}

/// What is known of an address.
pub(crate) fn known(connection: &Connection, address: &Address) -> Result<Known, DbError> {
    let void: Option<bool> = connection
        .prepare_cached("SELECT void FROM issued_grant WHERE address = ?1")?
        .query_row([address.as_str()], |row| row.get(0))
        .optional()?;
    Ok(match void {
        None => Known::Never,
        Some(true) => Known::Void,
        Some(false) => Known::Live,
    })
}

/// What the devices of this account hold reaches this one no more. The addresses are remembered.
pub(crate) fn void_account(tx: &WriteTx<'_>, peer: PeerId) -> Result<(), DbError> {
    void(
        tx,
        "peer_device IN (SELECT id FROM peer_device WHERE peer = ?1)",
        params![peer.0],
    )
}

/// As [`void_account`], for one device.
pub(crate) fn void_device(
    tx: &WriteTx<'_>,
    peer: PeerId,
    device: &DeviceId,
) -> Result<(), DbError> {
    void(
        tx,
        "peer_device IN (SELECT id FROM peer_device WHERE peer = ?1 AND device_id = ?2)",
        params![peer.0, device.as_bytes()],
    )
}

/// The grants in stock are not to be given to anybody.
pub(crate) fn void_stock(tx: &WriteTx<'_>) -> Result<(), DbError> {
    void(tx, "peer_device IS NULL", params![])
}

/// The own relay is another one: every device is given a grant there, and those of before that nobody
/// has are given to nobody. The others go on working as long as something is collected there.
///
/// # Errors
/// When the database fails.
pub(crate) fn leave(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.execute(
        "UPDATE issued_grant SET superseded = 1 WHERE peer_device IS NOT NULL",
        [],
    )?;
    void(
        tx,
        "peer_device IS NULL AND host <> (SELECT domain FROM own_account)",
        params![],
    )
}

/// Accounts with a device that has a grant at this relay, and by no later one of which anything came.
///
/// # Errors
/// When the database fails.
pub(crate) fn awaited(
    connection: &Connection,
    host: &Domain,
    now: Timestamp,
) -> Result<u32, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT count(DISTINCT device.peer) FROM issued_grant before
         JOIN peer_device device ON device.id = before.peer_device
         WHERE before.host = ?1 AND before.void = 0 AND before.expires_s > ?2
           AND NOT EXISTS (SELECT 1 FROM issued_grant later
                           WHERE later.peer_device = before.peer_device AND later.used = 1
                             AND later.given > before.given AND later.host <> ?1)",
    )?;
    Ok(statement.query_row(params![host.as_str(), now.0], |row| row.get(0))?)
}

/// Nothing is collected at this relay any more.
///
/// # Errors
/// When the database fails.
pub(crate) fn void_at(tx: &WriteTx<'_>, host: &Domain) -> Result<(), DbError> {
    void(tx, "host = ?1", params![host.as_str()])
}

/// Nothing that was ever handed out counts any more.
pub(crate) fn void_all(tx: &WriteTx<'_>) -> Result<(), DbError> {
    void(tx, "void = 0", params![])
}

fn void(tx: &WriteTx<'_>, which: &str, values: &[&dyn ToSql]) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE issued_grant SET void = 1, key = zeroblob(32), seal = zeroblob(32) WHERE {which}"
    );
    tx.prepare_cached(&sql)?.execute(values)?;
    tx.changed(Change::Outbox);
    Ok(())
}

/// The devices of this conversation's peer may not know the grants they were given: each is given
/// another one with the next frame. The old ones go on working.
pub(crate) fn supersede(tx: &WriteTx<'_>, conversation: i64) -> Result<(), DbError> {
    tx.prepare_cached(
        "UPDATE issued_grant SET superseded = 1 WHERE peer_device IN
           (SELECT d.id FROM peer_device d JOIN conversation c ON c.peer = d.peer
            WHERE c.id = ?1)",
    )?
    .execute([conversation])?;
    Ok(())
}

/// Forgets grants that no relay honours any more.
pub(crate) fn forget_expired(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM issued_grant WHERE void = 1 AND expires_s <= ?1")?
        .execute([tx.now().0])?;
    Ok(())
}
