//! Peers: accounts that were verified once, with what to recognise them by (the [`Pin`]).

use super::error::DbError;
use super::{Change, WriteTx};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use sotto_identity::verify::Pin;
use sotto_wire::conversation::ConversationId;
use sotto_wire::device::DeviceId;
use sotto_wire::did::Did;

/// A verified account that is not the own one.
#[derive(Debug, Clone)]
pub struct Peer {
    /// What verification found (docs/protocol.md §1.4).
    pub pin: Pin,
    /// For display only.
    pub handle: Option<String>,
    /// From the profile record.
    pub display_name: Option<String>,
    /// Media type and bytes.
    pub avatar: Option<(String, Vec<u8>)>,
    /// When it was verified last, milliseconds since 1970.
    pub verified_at: u64,
    /// Code of what went wrong since.
    pub last_error: Option<String>,
}

/// Row id of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerId(pub i64);

/// Stores what is known of a peer, in place of what was.
///
/// # Errors
/// When SQLite fails.
pub fn upsert(tx: &WriteTx<'_>, peer: &Peer) -> Result<PeerId, DbError> {
    let id = pin(tx, &peer.pin, peer.verified_at)?;
    tx.prepare_cached(
        "UPDATE peer SET handle = :handle, display_name = :name, last_error = :error
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": id.0, ":handle": peer.handle, ":name": peer.display_name, ":error": peer.last_error,
    })?;
    match &peer.avatar {
        Some((mime, bytes)) => {
            tx.execute(
                "INSERT OR REPLACE INTO peer_avatar (peer, mime, bytes) VALUES (?1, ?2, ?3)",
                params![id.0, mime, bytes],
            )?;
        }
        None => {
            tx.execute("DELETE FROM peer_avatar WHERE peer = ?1", [id.0])?;
        }
    }
    Ok(id)
}

/// Stores the outcome of a verification and leaves names and pictures as they are.
///
/// # Errors
/// When SQLite fails.
pub fn pin(tx: &WriteTx<'_>, pin: &Pin, verified_at: u64) -> Result<PeerId, DbError> {
    // What was verified before a transaction may be older than what has been stored meanwhile.
    let stored = by_did(tx, &pin.did)?.map(|peer| peer.pin);
    let pin = match &stored {
        Some(stored) if is_newer(stored, pin) => stored,
        _ => pin,
    };
    let text = serde_json::to_string(pin).map_err(|_| DbError::Stored("pin"))?;
    let id = tx
        .prepare_cached(
            "INSERT INTO peer (did, pin, verified_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (did) DO UPDATE SET pin = ?2, verified_at = ?3
             RETURNING id",
        )?
        .query_row(params![pin.did.as_str(), text, verified_at], |row| {
            row.get(0)
        })?;
    let conversation = tx
        .prepare_cached("SELECT key FROM conversation WHERE peer = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    if let Some(key) = conversation {
        tx.changed(Change::Conversations(vec![ConversationId::from_bytes(key)]));
    }
    Ok(PeerId(id))
}

/// Whether one look at an account was later than another.
pub(crate) fn is_newer(one: &Pin, other: &Pin) -> bool {
    (one.claim_seq, &one.repo_rev) > (other.claim_seq, &other.repo_rev)
}

/// The row of an account.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn id_of(connection: &Connection, did: &Did) -> Result<Option<PeerId>, DbError> {
    let mut statement = connection.prepare_cached("SELECT id FROM peer WHERE did = ?1")?;
    Ok(statement
        .query_row([did.as_str()], |row| row.get(0).map(PeerId))
        .optional()?)
}

/// The account was looked at now, whatever came of it.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn looked_at(tx: &WriteTx<'_>, peer: PeerId) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE peer SET verified_at = ?2 WHERE id = ?1")?
        .execute(params![peer.0, tx.clock_now_ms()])?;
    Ok(())
}

/// Forgets which rosters were seen.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn forget_rosters(tx: &WriteTx<'_>, peer: PeerId) -> Result<(), DbError> {
    tx.execute("UPDATE peer SET roster_seq = 0 WHERE id = ?1", [peer.0])?;
    Ok(())
}

/// The newest certificates of a peer's devices that were seen.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn certificates(connection: &Connection, peer: PeerId) -> Result<Vec<Vec<u8>>, DbError> {
    let mut statement =
        connection.prepare_cached("SELECT certificate FROM peer_device WHERE peer = ?1")?;
    let certificates = statement
        .query_map([peer.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(certificates)
}

/// The number of the newest roster seen of an account; 0 for none (docs/protocol.md §1.6).
///
/// # Errors
/// When SQLite fails.
pub fn roster_seq(connection: &Connection, did: &Did) -> Result<u64, DbError> {
    let mut statement = connection.prepare_cached("SELECT roster_seq FROM peer WHERE did = ?1")?;
    let found = statement
        .query_row([did.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Remembers a roster that verified.
///
/// # Errors
/// When SQLite fails.
pub fn saw_roster(tx: &WriteTx<'_>, did: &Did, seq: u64) -> Result<(), DbError> {
    tx.prepare_cached("UPDATE peer SET roster_seq = max(roster_seq, ?2) WHERE did = ?1")?
        .execute(params![did.as_str(), seq])?;
    Ok(())
}

/// One peer by row id.
///
/// # Errors
/// When SQLite fails or the row does not decode.
pub fn get(connection: &Connection, id: PeerId) -> Result<Option<Peer>, DbError> {
    let mut statement = connection.prepare_cached(&select("peer.id = ?1"))?;
    statement
        .query_row([id.0], from_row)
        .optional()?
        .transpose()
}

/// One peer by account.
///
/// # Errors
/// When SQLite fails or the row does not decode.
pub fn by_did(connection: &Connection, did: &Did) -> Result<Option<Peer>, DbError> {
    let mut statement = connection.prepare_cached(&select("peer.did = ?1"))?;
    statement
        .query_row([did.as_str()], from_row)
        .optional()?
        .transpose()
}

fn select(condition: &str) -> String {
    format!(
        "SELECT {COLUMNS} FROM peer LEFT JOIN peer_avatar avatar ON avatar.peer = peer.id
             WHERE {condition}"
    )
}

/// What [`from_row`] reads, in this order, of `peer` and its `avatar`.
pub(crate) const COLUMNS: &str = "peer.pin, peer.handle, peer.display_name, peer.verified_at, \
     peer.last_error, avatar.mime, avatar.bytes";

/// Reads [`COLUMNS`] from the beginning of a row.
pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Result<Peer, DbError>> {
    let pin: String = row.get(0)?;
    let mime: Option<String> = row.get(5)?;
    let bytes: Option<Vec<u8>> = row.get(6)?;
    let (handle, display_name) = (row.get(1)?, row.get(2)?);
    let (verified_at, last_error) = (row.get(3)?, row.get(4)?);
    let pin = serde_json::from_str(&pin).map_err(|_| DbError::Stored("pin"));
    Ok(pin.map(|pin| Peer {
        pin,
        handle,
        display_name,
        avatar: mime.zip(bytes),
        verified_at,
        last_error,
    }))
}

/// The row of a peer's device; remembers the newest certificate.
pub(crate) fn device(
    tx: &WriteTx<'_>,
    peer: PeerId,
    device_id: &DeviceId,
    certificate: &[u8],
) -> Result<i64, DbError> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO peer_device (peer, device_id, certificate) VALUES (?1, ?2, ?3)
         ON CONFLICT (peer, device_id) DO UPDATE SET certificate = ?3
         RETURNING id",
    )?;
    Ok(
        statement.query_row(params![peer.0, device_id.as_bytes(), certificate], |row| {
            row.get(0)
        })?,
    )
}
