//! The pool of senders nobody has judged yet, and their adjudication (§4.5).

use super::sql::{Sql, params};
use super::{AccountRow, DeviceRow, Stored, accounts, messages};

/// Senders that one listing names; the rest follows after these were judged.
const LISTED: i64 = 1000;

/// Senders with pooled messages, longest waiting first. DIDs only, never bodies.
pub(crate) fn senders(sql: &dyn Sql, account: AccountRow, now: i64) -> Stored<Vec<String>> {
    sql.all(
        "SELECT sender FROM messages
             WHERE account = ?1 AND pooled = 1 AND expires_at > ?2
             GROUP BY sender ORDER BY min(id) LIMIT ?3",
        params![account, now, LISTED],
        |row| row.get(0),
    )
}

/// Provisions a sender: what it has in the pool goes to the queues of all devices. Returns the
/// devices that have something new.
pub(crate) fn provision(
    sql: &dyn Sql,
    account: AccountRow,
    sender: &str,
    now: i64,
) -> Stored<Vec<DeviceRow>> {
    accounts::lock(sql, account)?;
    sql.execute(
        "INSERT INTO provisioned (account, sender) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![account, sender],
    )?;
    sql.execute(
        "DELETE FROM discarded WHERE account = ?1 AND sender = ?2",
        params![account, sender],
    )?;
    release(sql, account, sender, now)
}

/// What a sender has in the pool goes to the queues of all devices; the sender stays unknown, so
/// that what it puts next waits again and is answered as before. Returns the devices that have
/// something new.
pub(crate) fn release(
    sql: &dyn Sql,
    account: AccountRow,
    sender: &str,
    now: i64,
) -> Stored<Vec<DeviceRow>> {
    accounts::lock(sql, account)?;
    let pooled: Vec<i64> = sql.all(
        "SELECT id FROM messages
             WHERE account = ?1 AND pooled = 1 AND sender = ?2 AND expires_at > ?3 ORDER BY id",
        params![account, sender, now],
        |row| row.get(0),
    )?;
    if pooled.is_empty() {
        return Ok(Vec::new());
    }
    let devices = accounts::devices(sql, account)?;
    for message in pooled {
        sql.execute(
            "UPDATE messages SET pooled = 0 WHERE id = ?1",
            params![message],
        )?;
        for device in &devices {
            messages::enqueue(sql, *device, message)?;
        }
    }
    Ok(devices)
}

/// Discards a sender: its pooled messages go, its puts are dropped until `until`, and it is no
/// longer provisioned. What already stands in a queue stays.
pub(crate) fn discard(sql: &dyn Sql, account: AccountRow, sender: &str, until: i64) -> Stored<()> {
    accounts::lock(sql, account)?;
    sql.execute(
        "DELETE FROM provisioned WHERE account = ?1 AND sender = ?2",
        params![account, sender],
    )?;
    sql.execute(
        "DELETE FROM messages WHERE account = ?1 AND pooled = 1 AND sender = ?2",
        params![account, sender],
    )?;
    sql.execute(
        "INSERT INTO discarded (account, sender, until) VALUES (?1, ?2, ?3)
             ON CONFLICT (account, sender) DO UPDATE SET until = excluded.until",
        params![account, sender, until],
    )?;
    Ok(())
}
