//! The pool of senders nobody has judged yet, and their adjudication (§4.5).

use rusqlite::Connection;

use super::{AccountRow, DeviceRow, accounts, messages};

/// Senders that one listing names; the rest follows after these were judged.
const LISTED: i64 = 1000;

/// Senders with pooled messages, longest waiting first. DIDs only, never bodies.
pub(crate) fn senders(
    connection: &Connection,
    account: AccountRow,
    now: i64,
) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT sender FROM messages
             WHERE account = ?1 AND pooled = 1 AND expires_at > ?2
             GROUP BY sender ORDER BY min(id) LIMIT ?3",
        )?
        .query_map((account, now, LISTED), |row| row.get(0))?
        .collect()
}

/// Provisions a sender: what it has in the pool goes to the queues of all devices. Returns the
/// devices that have something new.
pub(crate) fn provision(
    connection: &Connection,
    account: AccountRow,
    sender: &str,
    now: i64,
) -> rusqlite::Result<Vec<DeviceRow>> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO provisioned (account, sender) VALUES (?1, ?2)")?
        .execute((account, sender))?;
    connection
        .prepare_cached("DELETE FROM discarded WHERE account = ?1 AND sender = ?2")?
        .execute((account, sender))?;
    release(connection, account, sender, now)
}

/// What a sender has in the pool goes to the queues of all devices; the sender stays unknown, so
/// that what it puts next waits again and is answered as before. Returns the devices that have
/// something new.
pub(crate) fn release(
    connection: &Connection,
    account: AccountRow,
    sender: &str,
    now: i64,
) -> rusqlite::Result<Vec<DeviceRow>> {
    let pooled: Vec<i64> = connection
        .prepare_cached(
            "SELECT id FROM messages
             WHERE account = ?1 AND pooled = 1 AND sender = ?2 AND expires_at > ?3 ORDER BY id",
        )?
        .query_map((account, sender, now), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if pooled.is_empty() {
        return Ok(Vec::new());
    }
    let devices = accounts::devices(connection, account)?;
    for message in pooled {
        connection
            .prepare_cached("UPDATE messages SET pooled = 0 WHERE id = ?1")?
            .execute([message])?;
        for device in &devices {
            messages::enqueue(connection, *device, message)?;
        }
    }
    Ok(devices)
}

/// Discards a sender: its pooled messages go, its puts are dropped until `until`, and it is no
/// longer provisioned. What already stands in a queue stays.
pub(crate) fn discard(
    connection: &Connection,
    account: AccountRow,
    sender: &str,
    until: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM provisioned WHERE account = ?1 AND sender = ?2")?
        .execute((account, sender))?;
    connection
        .prepare_cached("DELETE FROM messages WHERE account = ?1 AND pooled = 1 AND sender = ?2")?
        .execute((account, sender))?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO discarded (account, sender, until) VALUES (?1, ?2, ?3)",
        )?
        .execute((account, sender, until))?;
    Ok(())
}
