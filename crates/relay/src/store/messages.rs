//! Message rows and their bodies, for both kinds of mailbox.

use rusqlite::Connection;

use super::{AccountRow, DeviceRow, seen};

/// A message about to be kept.
pub(crate) struct NewMessage<'a> {
    /// §4.7 message id, as text.
    pub(crate) message_id: &'a str,
    /// Whose it is.
    pub(crate) account: AccountRow,
    /// Mailbox key: the DID, or the bare grant address.
    pub(crate) mailbox: &'a str,
    /// Verified sender and thumbprint of its delegate key; for a DID mailbox only.
    pub(crate) sender: Option<(&'a str, &'a [u8])>,
    /// Whether it waits for adjudication.
    pub(crate) pooled: bool,
    /// Row of the stored body.
    pub(crate) body: i64,
    /// When it lapses.
    pub(crate) expires_at: i64,
}

/// Stores a body and returns its row.
pub(crate) fn insert_body(connection: &Connection, bytes: &[u8]) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("INSERT INTO bodies (bytes) VALUES (?1)")?
        .insert([bytes])
}

/// Deletes a body that no message took over.
pub(crate) fn delete_body(connection: &Connection, body: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM bodies WHERE id = ?1")?
        .execute([body])?;
    Ok(())
}

/// Stores the message row and records its id against duplicates for as long as it is kept.
pub(crate) fn insert(connection: &Connection, message: &NewMessage<'_>) -> rusqlite::Result<i64> {
    seen::record(
        connection,
        message.message_id.as_bytes(),
        message.expires_at,
    )?;
    let (sender, sender_key) = message.sender.unzip();
    // A row that lapsed and was not swept yet makes room for the same message put again.
    connection
        .prepare_cached("DELETE FROM messages WHERE message_id = ?1")?
        .execute([message.message_id])?;
    connection
        .prepare_cached(
            "INSERT INTO messages
                (message_id, account, mailbox, sender, sender_key, pooled, body, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .insert((
            message.message_id,
            message.account,
            message.mailbox,
            sender,
            sender_key,
            message.pooled,
            message.body,
            message.expires_at,
        ))
}

/// Puts a stored message at the end of a device's queue.
pub(crate) fn enqueue(
    connection: &Connection,
    device: DeviceRow,
    message: i64,
) -> rusqlite::Result<()> {
    let seq: i64 = connection
        .prepare_cached(
            "UPDATE devices SET last_seq = last_seq + 1 WHERE id = ?1 RETURNING last_seq",
        )?
        .query_row([device], |row| row.get(0))?;
    connection
        .prepare_cached("INSERT INTO queue (device, seq, message) VALUES (?1, ?2, ?3)")?
        .execute((device, seq, message))?;
    Ok(())
}

/// Deletes messages of an account that no device waits for any more.
pub(crate) fn delete_unqueued(
    connection: &Connection,
    account: AccountRow,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM messages WHERE account = ?1 AND pooled = 0
                AND NOT EXISTS (SELECT 1 FROM queue WHERE message = messages.id)",
        )?
        .execute([account])?;
    Ok(())
}
