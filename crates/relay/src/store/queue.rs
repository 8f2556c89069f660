//! A device's queue: reading it in order, and acknowledging (§4.7).

use std::collections::{HashMap, HashSet};

use super::many::{Column, Many};
use super::sql::{Sql, params};
use super::{DeviceRow, StoreError, Stored, seen};

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

/// Position of the last message that was ever queued; what is committed later is behind it.
pub(crate) fn end(sql: &dyn Sql, device: DeviceRow) -> Stored<i64> {
    let end = sql.first(
        "SELECT last_seq FROM devices WHERE id = ?1",
        params![device],
        |row| row.get(0),
    )?;
    Ok(end.unwrap_or(0))
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

/// Which of these message ids must not be queued: those that are queued or were acknowledged.
pub(crate) fn known(sql: &dyn Sql, message_ids: &[&str], now: i64) -> Stored<HashSet<String>> {
    let queued = Many {
        one: "SELECT message_id FROM messages WHERE message_id = ?1 AND expires_at > ?2",
        all: "SELECT message_id FROM messages WHERE message_id = ANY (?1) AND expires_at > ?2",
    };
    let ids = [Column::Texts(message_ids)];
    // In this order: an acknowledgement that commits in between moves an id from here to there.
    let mut known: HashSet<String> = sql
        .many(&queued, &ids, params![now], |row| row.get(0))?
        .into_iter()
        .collect();
    let digests: Vec<_> = message_ids.iter().map(|id| id.as_bytes()).collect();
    let seen: HashSet<_> = seen::among(sql, &digests, now)?.into_iter().collect();
    let seen = message_ids.iter().filter(|id| seen.contains(id.as_bytes()));
    known.extend(seen.map(|id| (*id).to_owned()));
    Ok(known)
}

/// Puts stored messages at the ends of queues, in their order; their positions. The devices, one for
/// each message, are sorted and locked.
pub(crate) fn append(sql: &dyn Sql, devices: &[DeviceRow], messages: &[i64]) -> Stored<Vec<i64>> {
    let mut counts: Vec<(DeviceRow, i64)> = Vec::new();
    for &device in devices {
        match counts.last_mut() {
            Some((last, count)) if *last == device => *count += 1,
            _ => counts.push((device, 1)),
        }
    }
    let (different, counts): (Vec<_>, Vec<_>) = counts.into_iter().unzip();
    let advance = Many {
        one: "UPDATE devices SET last_seq = last_seq + ?2 WHERE id = ?1
              RETURNING id, last_seq - ?2",
        all: "UPDATE devices SET last_seq = last_seq + r.more
              FROM unnest(?1::bigint[], ?2::bigint[]) AS r (device, more)
              WHERE devices.id = r.device RETURNING devices.id, last_seq - r.more",
    };
    let columns = [Column::Ints(&different), Column::Ints(&counts)];
    let ends = sql.many(&advance, &columns, &[], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let mut ends: HashMap<DeviceRow, i64> = ends.into_iter().collect();
    let mut positions = Vec::with_capacity(devices.len());
    for device in devices {
        let end = ends.get_mut(device).ok_or(StoreError::NoRow)?;
        *end += 1;
        positions.push(*end);
    }
    let insert = Many {
        one: "INSERT INTO queue (device, seq, message) VALUES (?1, ?2, ?3)",
        all: "INSERT INTO queue (device, seq, message)
              SELECT * FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[])",
    };
    let columns = [
        Column::Ints(devices),
        Column::Ints(&positions),
        Column::Ints(messages),
    ];
    sql.execute_many(&insert, &columns, &[])?;
    Ok(positions)
}

/// A device's acknowledgement of a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Acknowledged {
    /// Message id, as text.
    pub(crate) message_id: String,
    /// Mailbox key.
    pub(crate) mailbox: String,
    /// Whose queue.
    pub(crate) device: DeviceRow,
    /// Until when the id is remembered, so that a late copy is dropped.
    pub(crate) remember_until: i64,
}

/// Takes messages out of queues. What is not there is passed over: an acknowledgement may be
/// repeated.
pub(crate) fn acknowledge(sql: &dyn Sql, acks: &[Acknowledged]) -> Stored<()> {
    // Always in the same order: devices of one account acknowledge the same messages.
    let mut acks: Vec<_> = acks.iter().collect();
    acks.sort_unstable();
    let (found, digests) = waiting(sql, &acks)?;
    let (messages, devices): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let delete = Many {
        one: "DELETE FROM queue WHERE message = ?1 AND device = ?2",
        all: "DELETE FROM queue USING unnest(?1::bigint[], ?2::bigint[]) AS r (message, device)
              WHERE queue.message = r.message AND queue.device = r.device",
    };
    let columns = [Column::Ints(&messages), Column::Ints(&devices)];
    sql.execute_many(&delete, &columns, &[])?;
    let until = acks.iter().map(|it| it.remember_until).max();
    let digests: Vec<_> = digests.iter().map(|it| it.as_bytes()).collect();
    seen::record_all(sql, &digests, until.unwrap_or(0))?;
    let delete = Many {
        one: "DELETE FROM messages WHERE id = ?1
                  AND NOT EXISTS (SELECT 1 FROM queue WHERE message = ?1)",
        all: "DELETE FROM messages WHERE id = ANY (?1)
                  AND NOT EXISTS (SELECT 1 FROM queue WHERE message = messages.id)",
    };
    sql.execute_many(&delete, &[Column::Ints(&messages)], &[])
}

/// A message, and the device in whose queue it is.
type Waiting = (i64, DeviceRow);

/// Which of the acknowledged messages wait for the devices that acknowledge them, and their ids,
/// each once.
fn waiting(sql: &dyn Sql, acks: &[&Acknowledged]) -> Stored<(Vec<Waiting>, Vec<String>)> {
    let find = Many {
        one: "SELECT m.id, m.message_id, q.device
              FROM messages m JOIN queue q ON q.message = m.id
              WHERE m.message_id = ?1 AND m.mailbox = ?2 AND q.device = ?3",
        all: "SELECT m.id, m.message_id, q.device
              FROM unnest(?1::text[], ?2::text[], ?3::bigint[]) AS r (message_id, mailbox, device)
              JOIN messages m ON m.message_id = r.message_id AND m.mailbox = r.mailbox
              JOIN queue q ON q.message = m.id AND q.device = r.device
              ORDER BY m.message_id FOR UPDATE OF m",
    };
    let ids: Vec<_> = acks.iter().map(|it| it.message_id.as_str()).collect();
    let mailboxes: Vec<_> = acks.iter().map(|it| it.mailbox.as_str()).collect();
    let devices: Vec<_> = acks.iter().map(|it| it.device).collect();
    let columns = [
        Column::Texts(&ids),
        Column::Texts(&mailboxes),
        Column::Ints(&devices),
    ];
    let mut digests: Vec<String> = Vec::new();
    let found = sql.many(&find, &columns, &[], |row| {
        digests.push(row.get(1)?);
        Ok((row.get(0)?, row.get(2)?))
    })?;
    digests.sort_unstable();
    digests.dedup();
    Ok((found, digests))
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
