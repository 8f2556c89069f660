//! A device's queue: reading it in order, and acknowledging (§4.7).

use rusqlite::{Connection, OptionalExtension};

use super::{DeviceRow, seen};

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
    connection: &Connection,
    device: DeviceRow,
    after: i64,
    limit: usize,
    now: i64,
) -> rusqlite::Result<Vec<Queued>> {
    connection
        .prepare_cached(
            "SELECT q.seq, m.mailbox, m.message_id, m.sender, m.sender_key, b.bytes
             FROM queue q JOIN messages m ON m.id = q.message JOIN bodies b ON b.id = m.body
             WHERE q.device = ?1 AND q.seq > ?2 AND m.expires_at > ?4
             ORDER BY q.seq LIMIT ?3",
        )?
        .query_map(
            (device, after, i64::try_from(limit).unwrap_or(i64::MAX), now),
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
        )?
        .collect()
}

/// Position of the last message queued so far.
pub(crate) fn last_seq(connection: &Connection, device: DeviceRow) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM queue WHERE device = ?1")?
        .query_row([device], |row| row.get(0))
}

/// How many messages up to position `until` are not acknowledged.
pub(crate) fn unacknowledged(
    connection: &Connection,
    device: DeviceRow,
    until: i64,
) -> rusqlite::Result<usize> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM queue WHERE device = ?1 AND seq <= ?2")?
        .query_row((device, until), |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Takes messages out of a device's queue. What is not there is passed over: an acknowledgement may
/// be repeated. The ids are remembered until `remember_until`, so that a late copy is dropped.
pub(crate) fn acknowledge(
    connection: &Connection,
    device: DeviceRow,
    acks: &[(String, String)],
    remember_until: i64,
) -> rusqlite::Result<()> {
    for (mailbox, message_id) in acks {
        let message: Option<i64> = connection
            .prepare_cached(
                "SELECT m.id FROM messages m JOIN queue q ON q.message = m.id
                 WHERE m.message_id = ?1 AND m.mailbox = ?2 AND q.device = ?3",
            )?
            .query_row((message_id, mailbox, device), |row| row.get(0))
            .optional()?;
        let Some(message) = message else { continue };
        connection
            .prepare_cached("DELETE FROM queue WHERE message = ?1 AND device = ?2")?
            .execute((message, device))?;
        seen::record(connection, message_id.as_bytes(), remember_until)?;
        connection
            .prepare_cached(
                "DELETE FROM messages WHERE id = ?1
                    AND NOT EXISTS (SELECT 1 FROM queue WHERE message = ?1)",
            )?
            .execute([message])?;
    }
    Ok(())
}
