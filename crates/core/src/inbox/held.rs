//! First-contact envelopes that wait for the user's word (docs/protocol.md §3.5), bounded.

use crate::db::{DbError, PeerId, WriteTx};
use rusqlite::{Connection, named_params, params};

/// Requests that are kept.
const MAX_REQUESTS: u64 = 200;
/// Envelopes that are kept, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Envelopes of one sender; twice what an honest one has outstanding (§3.4).
const MAX_OF_ONE: u64 = 32;
/// Turned away frames that are remembered.
const MAX_DECLINED: u64 = 10_000;

/// An envelope to hold.
pub(crate) struct Held<'a> {
    pub(crate) peer: PeerId,
    pub(crate) digest: &'a [u8; 32],
    pub(crate) bytes: &'a [u8],
    pub(crate) welcome_digest: &'a [u8; 32],
    pub(crate) seq: u64,
    pub(crate) brings_message: bool,
    pub(crate) text: Option<&'a str>,
}

pub(crate) fn contains(tx: &WriteTx<'_>, digest: &[u8; 32]) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached("SELECT 1 FROM held_envelope WHERE digest = ?1")?;
    Ok(statement.exists([digest])?)
}

/// Whether a frame waits already, or was turned away: it may come in other bytes (docs/protocol.md
/// §3.3).
pub(crate) fn is_known(
    tx: &WriteTx<'_>,
    welcome_digest: &[u8; 32],
    seq: u64,
) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM held_envelope WHERE welcome_digest = ?1 AND seq = ?2
         UNION ALL SELECT 1 FROM declined_frame WHERE welcome_digest = ?1 AND seq = ?2",
    )?;
    Ok(statement.exists(params![welcome_digest, seq])?)
}

/// Whether something of this sender waits.
pub(crate) fn is_pending(connection: &Connection, peer: PeerId) -> Result<bool, DbError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM held_envelope WHERE peer = ?1")?;
    Ok(statement.exists([peer.0])?)
}

/// Whether as much of this sender waits as may.
pub(crate) fn is_full(connection: &Connection, peer: PeerId) -> Result<bool, DbError> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM held_envelope WHERE peer = ?1")?;
    let held: u64 = statement.query_row([peer.0], |row| row.get(0))?;
    Ok(held >= MAX_OF_ONE)
}

pub(crate) fn insert(tx: &WriteTx<'_>, held: &Held<'_>) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO held_envelope
           (peer, digest, bytes, welcome_digest, seq, brings_message, text, at)
         VALUES (:peer, :digest, :bytes, :welcome, :seq, :brings, :text, :at)",
    )?
    .execute(named_params! {
        ":peer": held.peer.0, ":digest": held.digest, ":bytes": held.bytes,
        ":welcome": held.welcome_digest, ":seq": held.seq, ":brings": held.brings_message,
        ":text": held.text, ":at": tx.clock_now_ms(),
    })?;
    Ok(())
}

/// Senders of whom something waits, those who wait longest first.
pub(crate) fn senders(connection: &Connection) -> Result<Vec<PeerId>, DbError> {
    let mut statement = connection
        .prepare_cached("SELECT peer FROM held_envelope GROUP BY peer ORDER BY min(id)")?;
    let senders = statement
        .query_map([], |row| row.get(0).map(PeerId))?
        .collect::<Result<_, _>>()?;
    Ok(senders)
}

/// The sender to turn away, where more waits than may.
pub(crate) fn one_too_many(tx: &WriteTx<'_>) -> Result<Option<PeerId>, DbError> {
    let (senders, bytes): (u64, u64) = tx
        .prepare_cached(
            "SELECT count(DISTINCT peer), coalesce(sum(length(bytes)), 0) FROM held_envelope",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if senders <= MAX_REQUESTS && bytes <= MAX_BYTES {
        return Ok(None);
    }
    Ok(self::senders(tx)?.first().copied())
}

/// Envelopes of a sender, in the order they came.
pub(crate) fn of(tx: &WriteTx<'_>, peer: PeerId) -> Result<Vec<Vec<u8>>, DbError> {
    let mut statement =
        tx.prepare_cached("SELECT bytes FROM held_envelope WHERE peer = ?1 ORDER BY id")?;
    let envelopes = statement
        .query_map([peer.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(envelopes)
}

/// What the messages of a sender say and when they came, oldest first.
pub(crate) fn messages(
    connection: &Connection,
    peer: PeerId,
) -> Result<Vec<(Option<String>, u64)>, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT text, at FROM held_envelope WHERE peer = ?1 AND brings_message = 1
         ORDER BY seq, id",
    )?;
    let messages = statement
        .query_map([peer.0], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(messages)
}

/// When the first envelope of a sender came.
pub(crate) fn since(connection: &Connection, peer: PeerId) -> Result<u64, DbError> {
    let mut statement = connection
        .prepare_cached("SELECT coalesce(min(at), 0) FROM held_envelope WHERE peer = ?1")?;
    Ok(statement.query_row([peer.0], |row| row.get(0))?)
}

/// Nothing of this sender waits any more.
pub(crate) fn remove(tx: &WriteTx<'_>, peer: PeerId) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM held_envelope WHERE peer = ?1")?
        .execute([peer.0])?;
    Ok(())
}

/// Remembers what of this sender is turned away, and forgets the sender where nothing else is
/// known of it.
pub(crate) fn turn_away(tx: &WriteTx<'_>, peer: PeerId) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO declined_frame (welcome_digest, seq, at)
         SELECT welcome_digest, seq, ?2 FROM held_envelope WHERE peer = ?1
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![peer.0, tx.clock_now_ms()])?;
    tx.prepare_cached(
        "DELETE FROM declined_frame WHERE id <= (SELECT max(id) - ?1 FROM declined_frame)",
    )?
    .execute([MAX_DECLINED])?;
    remove(tx, peer)?;
    tx.prepare_cached(
        "DELETE FROM peer WHERE id = ?1
           AND NOT EXISTS (SELECT 1 FROM conversation WHERE peer = ?1)
           AND NOT EXISTS (SELECT 1 FROM peer_device WHERE peer = ?1)",
    )?
    .execute([peer.0])?;
    Ok(())
}

/// Frames that were turned away and are of groups that are read now: the digest of the group's
/// Welcome and the frame's number. They are forgotten.
pub(crate) fn take_declined(tx: &WriteTx<'_>) -> Result<Vec<([u8; 32], u64)>, DbError> {
    let mut statement = tx.prepare_cached(
        "DELETE FROM declined_frame
         WHERE welcome_digest IN (SELECT welcome_digest FROM read_group)
         RETURNING welcome_digest, seq",
    )?;
    let frames = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(frames)
}

/// Senders whose first envelope came before this, milliseconds since 1970.
pub(crate) fn older_than(tx: &WriteTx<'_>, before: u64) -> Result<Vec<PeerId>, DbError> {
    let mut statement =
        tx.prepare_cached("SELECT peer FROM held_envelope GROUP BY peer HAVING min(at) < ?1")?;
    let senders = statement
        .query_map([before], |row| row.get(0).map(PeerId))?
        .collect::<Result<_, _>>()?;
    Ok(senders)
}

/// Forgets what was turned away before this, milliseconds since 1970.
pub(crate) fn forget(tx: &WriteTx<'_>, before: u64) -> Result<(), DbError> {
    tx.execute("DELETE FROM declined_frame WHERE at < ?1", [before])?;
    Ok(())
}
