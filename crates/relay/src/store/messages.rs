//! Message rows and their bodies, for both kinds of mailbox.

use super::many::{Column, Many};
use super::sql::{Sql, params};
use super::{AccountRow, DeviceRow, Stored, seen};

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
pub(crate) fn insert_body(sql: &dyn Sql, bytes: &[u8]) -> Stored<i64> {
    sql.one(
        "INSERT INTO bodies (bytes) VALUES (?1) RETURNING id",
        params![bytes],
        |row| row.get(0),
    )
}

/// Stores bodies and returns their rows, in their order.
pub(crate) fn insert_bodies(sql: &dyn Sql, bodies: &[&[u8]]) -> Stored<Vec<i64>> {
    let insert = Many {
        one: "INSERT INTO bodies (bytes) VALUES (?1) RETURNING id",
        all: "INSERT INTO bodies (bytes)
              SELECT bytes FROM unnest(?1::bytea[]) WITH ORDINALITY AS r (bytes, n) ORDER BY n
              RETURNING id",
    };
    sql.many(&insert, &[Column::Bytes(bodies)], &[], |row| row.get(0))
}

/// Deletes bodies that no message took over.
pub(crate) fn delete_bodies(sql: &dyn Sql, bodies: &[i64]) -> Stored<()> {
    let delete = Many {
        one: "DELETE FROM bodies WHERE id = ?1",
        all: "DELETE FROM bodies WHERE id = ANY (?1)",
    };
    sql.execute_many(&delete, &[Column::Ints(bodies)], &[])
}

/// Stores the message row and records its id against duplicates for as long as it is kept.
pub(crate) fn insert(sql: &dyn Sql, message: &NewMessage<'_>) -> Stored<i64> {
    seen::record(sql, message.message_id.as_bytes(), message.expires_at)?;
    let (sender, sender_key) = message.sender.unzip();
    // A row that lapsed and was not swept yet makes room for the same message put again.
    sql.execute(
        "DELETE FROM messages WHERE message_id = ?1",
        params![message.message_id],
    )?;
    sql.one(
        "INSERT INTO messages
                (message_id, account, mailbox, sender, sender_key, pooled, body, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
        params![
            message.message_id,
            message.account,
            message.mailbox,
            sender,
            sender_key,
            message.pooled,
            message.body,
            message.expires_at
        ],
        |row| row.get(0),
    )
}

/// Rows that lapsed and were not swept yet make room for the same messages put again.
pub(crate) fn forget_lapsed(sql: &dyn Sql, message_ids: &[&str]) -> Stored<()> {
    let delete = Many {
        one: "DELETE FROM messages WHERE message_id = ?1",
        all: "DELETE FROM messages WHERE message_id = ANY (?1)",
    };
    sql.execute_many(&delete, &[Column::Texts(message_ids)], &[])
}

/// Puts a stored message at the end of a device's queue.
pub(crate) fn enqueue(sql: &dyn Sql, device: DeviceRow, message: i64) -> Stored<()> {
    let seq: i64 = sql.one(
        "UPDATE devices SET last_seq = last_seq + 1 WHERE id = ?1 RETURNING last_seq",
        params![device],
        |row| row.get(0),
    )?;
    sql.execute(
        "INSERT INTO queue (device, seq, message) VALUES (?1, ?2, ?3)",
        params![device, seq, message],
    )?;
    Ok(())
}

/// Deletes messages of an account that no device waits for any more.
pub(crate) fn delete_unqueued(sql: &dyn Sql, account: AccountRow) -> Stored<()> {
    sql.execute(
        "DELETE FROM messages WHERE account = ?1 AND pooled = 0
                AND NOT EXISTS (SELECT 1 FROM queue WHERE message = messages.id)",
        params![account],
    )?;
    Ok(())
}
