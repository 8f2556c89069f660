//! Peers: accounts that were verified once, with what to recognise them by (the [`Pin`]).

use super::error::DbError;
use super::{Change, WriteTx};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use sotto_identity::verify::Pin;
use sotto_wire::conversation::ConversationId;
use sotto_wire::device::DeviceId;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::grant::Address;

/// By how much a clock may be set back, in milliseconds, before what it wrote down is doubted.
const CLOCK_STEP: u64 = 60 * 60 * 1000;

mod confirmed;

pub use confirmed::{confirm, unconfirm};

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
    /// When the users compared the pinned key, milliseconds since 1970 (docs/protocol.md §1.8).
    /// Stored by [`confirm`] and [`unconfirm`] only.
    pub confirmed_at: Option<u64>,
}

impl Peer {
    /// Whether the users compared the pinned key, or one whose succession led to it.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.confirmed_at.is_some()
    }
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
    let at = stored.as_ref().map(|pin| pin.domain.clone());
    let pin = match &stored {
        Some(stored) if is_newer(stored, pin) => stored,
        _ => pin,
    };
    let text = serde_json::to_string(pin).map_err(|_| DbError::Stored("pin"))?;
    let (id, compared) = tx
        .prepare_cached(
            "INSERT INTO peer (did, pin, verified_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (did) DO UPDATE SET pin = ?2, verified_at = ?3
             RETURNING id, confirmed_key",
        )?
        .query_row(params![pin.did.as_str(), text, verified_at], |row| {
            Ok((PeerId(row.get(0)?), row.get(1)?))
        })?;
    confirmed::follow(tx, id, compared, pin)?;
    if at.is_some_and(|at| at != pin.domain) {
        moved(tx, id, &pin.domain)?;
    }
    announce(tx, id)?;
    Ok(id)
}

/// The account names another relay: its devices are about to give grants there in the place of those
/// elsewhere (docs/protocol.md §4.9).
fn moved(tx: &WriteTx<'_>, peer: PeerId, to: &Domain) -> Result<(), DbError> {
    tx.prepare_cached(
        "UPDATE held_grant SET left_at = CASE WHEN host = ?2 THEN NULL ELSE coalesce(left_at, ?3) END
         WHERE peer_device IN (SELECT id FROM peer_device WHERE peer = ?1)",
    )?
    .execute(params![peer.0, to.as_str(), tx.clock_now_ms()])?;
    Ok(())
}

/// Whoever shows the conversation with this peer reads it again.
fn announce(tx: &WriteTx<'_>, peer: PeerId) -> Result<(), DbError> {
    let conversation = tx
        .prepare_cached("SELECT key FROM conversation WHERE peer = ?1")?
        .query_row([peer.0], |row| row.get(0))
        .optional()?;
    if let Some(key) = conversation {
        tx.changed(Change::Conversations(vec![ConversationId::from_bytes(key)]));
    }
    Ok(())
}

/// The row of a peer; stores what was verified where it has none yet.
pub(crate) fn row(tx: &WriteTx<'_>, verified: &Pin, verified_at: u64) -> Result<PeerId, DbError> {
    let found = tx
        .prepare_cached("SELECT id FROM peer WHERE did = ?1")?
        .query_row([verified.did.as_str()], |row| row.get(0))
        .optional()?;
    match found {
        Some(id) => Ok(PeerId(id)),
        None => pin(tx, verified, verified_at),
    }
}

/// The peer with a conversation whose last verification is the oldest, if it is older than
/// `before` or something has gone wrong since, and the peer is none of `but`.
pub(crate) fn verified_before(
    connection: &Connection,
    before: u64,
    now: u64,
    but: &[Did],
) -> Result<Option<Did>, DbError> {
    // One that is still to come was written down by a clock that has gone back since.
    let mut statement = connection.prepare_cached(
        "SELECT did FROM peer JOIN conversation ON conversation.peer = peer.id
         WHERE verified_at < ?1 OR verified_at > ?2 OR last_error IS NOT NULL
         ORDER BY verified_at",
    )?;
    let mut rows = statement.query([before, now.saturating_add(CLOCK_STEP)])?;
    while let Some(row) = rows.next()? {
        let text: String = row.get(0)?;
        let did = Did::parse(&text).map_err(|_| DbError::Stored("account"))?;
        if !but.contains(&did) {
            return Ok(Some(did));
        }
    }
    Ok(None)
}

/// The account of the peer that a grant of ours was given to.
pub(crate) fn by_grant(connection: &Connection, address: &Address) -> Result<Option<Did>, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT did FROM issued_grant
           JOIN peer_device ON peer_device.id = issued_grant.peer_device
           JOIN peer ON peer.id = peer_device.peer
         WHERE address = ?1",
    )?;
    let found: Option<String> = statement
        .query_row([address.as_str()], |row| row.get(0))
        .optional()?;
    found
        .map(|text| Did::parse(&text).map_err(|_| DbError::Stored("account")))
        .transpose()
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
     peer.last_error, avatar.mime, avatar.bytes, peer.confirmed_key, peer.confirmed_at";

/// How many columns those are.
pub(crate) const WIDTH: usize = 9;

/// Reads [`COLUMNS`] from the beginning of a row.
pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<Result<Peer, DbError>> {
    let pin: String = row.get(0)?;
    let mime: Option<String> = row.get(5)?;
    let bytes: Option<Vec<u8>> = row.get(6)?;
    let (handle, display_name) = (row.get(1)?, row.get(2)?);
    let (verified_at, last_error) = (row.get(3)?, row.get(4)?);
    let (compared, at): (Option<[u8; 32]>, Option<u64>) = (row.get(7)?, row.get(8)?);
    let pin = serde_json::from_str::<Pin>(&pin).map_err(|_| DbError::Stored("pin"));
    Ok(pin.map(|pin| Peer {
        confirmed_at: at.filter(|_| compared == Some(*pin.key.as_bytes())),
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
