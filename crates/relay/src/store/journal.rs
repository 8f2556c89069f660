//! Grant puts between their 202 and their resolution (§4.6).

use super::messages::{self, NewMessage};
use super::sql::{Sql, params};
use super::{AccountRow, DeviceRow, Stored, seen};

/// A put as it came, before anything was looked up.
pub(crate) struct NewEntry {
    /// Address in the path.
    pub(crate) address: String,
    /// Challenge in the body, unchecked.
    pub(crate) challenge: String,
    /// Tag in the body, unchecked.
    pub(crate) tag: Vec<u8>,
    /// The message.
    pub(crate) message: Vec<u8>,
    /// When it came.
    pub(crate) received_at: i64,
}

/// A journal entry with what its judgement needs.
pub(crate) struct Entry {
    /// Row number.
    pub(crate) id: i64,
    /// The put.
    pub(crate) put: NewEntry,
    /// Row of the stored message bytes.
    pub(crate) body: i64,
    /// Key of the live grant at that address, if there is one.
    pub(crate) grant_key: Option<Vec<u8>>,
}

/// What became of an entry.
pub(crate) struct Verdict {
    /// Row number.
    pub(crate) id: i64,
    /// Row of the stored message bytes.
    pub(crate) body: i64,
    /// Address and message id where challenge and tag were right.
    pub(crate) accepted: Option<(String, String)>,
}

/// Limits that apply when a put is queued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueLimits {
    /// When a message queued now lapses.
    pub(crate) expires_at: i64,
    /// Messages that may wait for one grant.
    pub(crate) per_grant: u64,
}

/// Appends a put. The same statements whatever the address is.
pub(crate) fn append(sql: &dyn Sql, entry: &NewEntry) -> Stored<()> {
    let body = messages::insert_body(sql, &entry.message)?;
    sql.execute(
        "INSERT INTO journal (address, challenge, tag, body, received_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            &entry.address,
            &entry.challenge,
            &entry.tag,
            body,
            entry.received_at
        ],
    )?;
    Ok(())
}

/// How many entries wait.
pub(crate) fn count(sql: &dyn Sql) -> Stored<usize> {
    let count: i64 = sql.one("SELECT count(*) FROM journal", params![], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The oldest entries, at most `limit`.
pub(crate) fn oldest(sql: &dyn Sql, limit: i64, now: i64) -> Stored<Vec<Entry>> {
    sql.all(
        "SELECT j.id, j.address, j.challenge, j.tag, b.bytes, j.received_at, j.body, g.key
             FROM journal j JOIN bodies b ON b.id = j.body
             LEFT JOIN grants g
                ON g.address = j.address AND g.closed = 0 AND g.expires_at > ?2
             ORDER BY j.id LIMIT ?1",
        params![limit, now],
        |row| {
            Ok(Entry {
                id: row.get(0)?,
                put: NewEntry {
                    address: row.get(1)?,
                    challenge: row.get(2)?,
                    tag: row.get(3)?,
                    message: row.get(4)?,
                    received_at: row.get(5)?,
                },
                body: row.get(6)?,
                grant_key: row.get(7)?,
            })
        },
    )
}

/// What a settlement did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Entries that left the journal.
    pub(crate) entries: usize,
    /// Those of them that are in a queue.
    pub(crate) queued: usize,
    /// Devices that have something new.
    pub(crate) devices: Vec<DeviceRow>,
}

/// Queues what was accepted and drops the rest; either way the entry leaves the journal in this
/// same transaction. Nothing where another process settles at the moment: one at a time, so that
/// what comes to a grant stays in its order.
pub(crate) fn settle(
    sql: &dyn Sql,
    verdicts: &[Verdict],
    limits: QueueLimits,
    now: i64,
) -> Stored<Option<Settled>> {
    let alone = sql.exists(
        "SELECT 1 /*! WHERE pg_try_advisory_xact_lock(
             current_schema()::regnamespace::oid::int4, 2) */",
        params![],
    )?;
    if !alone {
        return Ok(None);
    }
    let mut settled = Settled::default();
    let mut found = Vec::new();
    for verdict in verdicts {
        if sql.execute("DELETE FROM journal WHERE id = ?1", params![verdict.id])? == 0 {
            // Another process settled it after this one had read it.
            continue;
        }
        settled.entries += 1;
        match destination(sql, verdict, now)? {
            Some(destination) => found.push(destination),
            None => messages::delete_body(sql, verdict.body)?,
        }
    }
    // Devices are locked in their order, as everywhere: two transactions never wait for each other.
    found.sort_by_key(|destination| destination.device);
    for destination in &found {
        if queue_one(sql, destination, limits, now)? {
            settled.queued += 1;
            settled.devices.push(destination.device);
        } else {
            messages::delete_body(sql, destination.body)?;
        }
    }
    settled.devices.dedup();
    Ok(Some(settled))
}

struct Destination<'a> {
    device: DeviceRow,
    account: AccountRow,
    address: &'a str,
    message_id: &'a str,
    body: i64,
}

/// Where an accepted put goes, unless its grant is gone by now.
fn destination<'a>(
    sql: &dyn Sql,
    verdict: &'a Verdict,
    now: i64,
) -> Stored<Option<Destination<'a>>> {
    let Some((address, message_id)) = &verdict.accepted else {
        return Ok(None);
    };
    sql.first(
        "SELECT d.id, d.account FROM grants g JOIN devices d ON d.id = g.device
             WHERE g.address = ?1 AND g.closed = 0 AND g.expires_at > ?2",
        params![address, now],
        |row| {
            Ok(Destination {
                device: row.get(0)?,
                account: row.get(1)?,
                address,
                message_id,
                body: verdict.body,
            })
        },
    )
}

/// Queues one message, unless it came before or the grant's share is full: the sender repeats until
/// its peer acknowledges end to end (§3.3), so nothing is lost.
fn queue_one(
    sql: &dyn Sql,
    destination: &Destination<'_>,
    limits: QueueLimits,
    now: i64,
) -> Stored<bool> {
    let &Destination {
        device,
        account,
        address,
        message_id,
        body,
    } = destination;
    if seen::contains(sql, message_id.as_bytes(), now)?
        || waiting(sql, address)? >= limits.per_grant
    {
        return Ok(false);
    }
    let message = messages::insert(
        sql,
        &NewMessage {
            message_id,
            account,
            mailbox: address,
            sender: None,
            pooled: false,
            body,
            expires_at: limits.expires_at,
        },
    )?;
    messages::enqueue(sql, device, message)?;
    Ok(true)
}

fn waiting(sql: &dyn Sql, address: &str) -> Stored<u64> {
    let count: i64 = sql.one(
        "SELECT count(*) FROM messages WHERE mailbox = ?1",
        params![address],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}
