//! A device's queue: reading it in order, and acknowledging (§4.7).

use super::sql::{Sql, params};
use super::{DeviceRow, Stored, seen};

/// One queued message, ready to be delivered.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    /// Position in this device's queue.
    pub(crate) seq: i64,
    /// Mailbox key.
    pub(crate) mailbox: String,
    /// Message id, as text.
    pub(crate) message_id: String,
    /// Verified sender, for a DID mailbox.
    pub(crate) sender: Option<String>,
    /// Thumbprint of the sender's delegate key, for a DID mailbox.
    pub(crate) sender_key: Option<Vec<u8>>,
    /// The bytes that were put.
    pub(crate) body: Vec<u8>,
}

/// At most `limit` messages after position `after`, oldest first.
pub(crate) fn page(
    sql: &dyn Sql,
    device: DeviceRow,
    after: i64,
    limit: usize,
    now: i64,
) -> Stored<Vec<Queued>> {
    sql.all(
        "SELECT q.seq, m.mailbox, m.message_id, m.sender, m.sender_key, b.bytes
             FROM queue q JOIN messages m ON m.id = q.message JOIN bodies b ON b.id = m.body
             WHERE q.device = ?1 AND q.seq > ?2 AND m.expires_at > ?4
             ORDER BY q.seq LIMIT ?3",
        params![device, after, i64::try_from(limit).unwrap_or(i64::MAX), now],
        |row| {
            Ok(Queued {
                seq: row.get(0)?,
                mailbox: row.get(1)?,
                message_id: row.get(2)?,
                sender: row.get(3)?,
                sender_key: row.get(4)?,
                body: row.get(5)?,
            })
        },
    )
}

/// Position of the last message queued so far.
pub(crate) fn last_seq(sql: &dyn Sql, device: DeviceRow) -> Stored<i64> {
    sql.one(
        "SELECT coalesce(max(seq), 0) FROM queue WHERE device = ?1",
        params![device],
        |row| row.get(0),
    )
}

/// How many messages up to position `until` are not acknowledged.
pub(crate) fn unacknowledged(sql: &dyn Sql, device: DeviceRow, until: i64) -> Stored<usize> {
    let count: i64 = sql.one(
        "SELECT count(*) FROM queue WHERE device = ?1 AND seq <= ?2",
        params![device, until],
        |row| row.get(0),
    )?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Takes messages out of a device's queue. What is not there is passed over: an acknowledgement may
/// be repeated. The ids are remembered until `remember_until`, so that a late copy is dropped.
pub(crate) fn acknowledge(
    sql: &dyn Sql,
    device: DeviceRow,
    acks: &[(String, String)],
    remember_until: i64,
) -> Stored<()> {
    // Always in the same order: devices of one account acknowledge the same messages.
    let mut acks: Vec<_> = acks.iter().collect();
    acks.sort_unstable();
    for (mailbox, message_id) in acks {
        let message: Option<i64> = sql.first(
            "SELECT m.id FROM messages m JOIN queue q ON q.message = m.id
                 WHERE m.message_id = ?1 AND m.mailbox = ?2 AND q.device = ?3
                 /*! FOR UPDATE OF m */",
            params![message_id, mailbox, device],
            |row| row.get(0),
        )?;
        let Some(message) = message else { continue };
        sql.execute(
            "DELETE FROM queue WHERE message = ?1 AND device = ?2",
            params![message, device],
        )?;
        seen::record(sql, message_id.as_bytes(), remember_until)?;
        sql.execute(
            "DELETE FROM messages WHERE id = ?1
                    AND NOT EXISTS (SELECT 1 FROM queue WHERE message = ?1)",
            params![message],
        )?;
    }
    Ok(())
}

/// A device, and a position in its queue.
pub(crate) type Position = (DeviceRow, i64);

/// The ends of the queues of all devices whose rows are between two numbers, both of them included.
pub(crate) fn positions(sql: &dyn Sql, from: DeviceRow, to: DeviceRow) -> Stored<Vec<Position>> {
    sql.all(
        "SELECT d.id, coalesce((SELECT max(q.seq) FROM queue q WHERE q.device = d.id), 0)
         FROM devices d WHERE d.id BETWEEN ?1 AND ?2",
        params![from, to],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}
