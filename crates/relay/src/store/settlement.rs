//! Journaled puts that were judged, on their way into the queues of devices (§4.6).

use std::collections::{HashMap, HashSet};

use super::journal::Verdict;
use super::many::{Column, Many};
use super::sql::{Sql, params};
use super::{AccountRow, DeviceRow, Stored, messages, queue};

/// Limits that apply when a put is queued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueLimits {
    /// When a message queued now lapses.
    pub(crate) expires_at: i64,
    /// Messages that may wait for one grant.
    pub(crate) per_grant: u64,
}

/// What a settlement did.
#[derive(Debug)]
pub(crate) struct Settled {
    /// Entries that left the journal.
    pub(crate) entries: usize,
    /// What was queued, by devices and in the order of their queues.
    pub(crate) queued: Vec<Place>,
}

/// Where an entry was queued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Whose queue.
    pub(crate) device: DeviceRow,
    /// Position in it.
    pub(crate) seq: i64,
    /// Row of the stored message bytes.
    pub(crate) body: i64,
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
    let taken = take(sql, verdicts)?;
    let mut found = destinations(sql, &taken, now)?;
    // Devices are locked in their order, as everywhere: two transactions never wait for each other.
    found.sort_by_key(|destination| destination.device);
    let mut devices: Vec<_> = found.iter().map(|it| it.device).collect();
    devices.dedup();
    lock(sql, &devices)?;
    let queued = chosen(sql, found, limits, now)?;
    let kept: HashSet<_> = queued.iter().map(|it| it.body).collect();
    let bodies = taken.iter().map(|it| it.body);
    let dropped: Vec<_> = bodies.filter(|body| !kept.contains(body)).collect();
    messages::delete_bodies(sql, &dropped)?;
    let positions = queue_all(sql, &queued, limits)?;
    let places = queued.iter().zip(positions).map(|(it, seq)| Place {
        device: it.device,
        seq,
        body: it.body,
    });
    Ok(Some(Settled {
        entries: taken.len(),
        queued: places.collect(),
    }))
}

/// Takes the entries out of the journal. Those that another process settled after this one had read
/// them are no longer there.
fn take<'a>(sql: &dyn Sql, verdicts: &'a [Verdict]) -> Stored<Vec<&'a Verdict>> {
    let delete = Many {
        one: "DELETE FROM journal WHERE id = ?1 RETURNING id",
        all: "DELETE FROM journal WHERE id = ANY (?1) RETURNING id",
    };
    let ids: Vec<_> = verdicts.iter().map(|it| it.id).collect();
    let taken = sql.many(&delete, &[Column::Ints(&ids)], &[], |row| row.get(0))?;
    let taken: HashSet<i64> = taken.into_iter().collect();
    let still = verdicts.iter().filter(|it| taken.contains(&it.id));
    Ok(still.collect())
}

struct Destination<'a> {
    device: DeviceRow,
    account: AccountRow,
    address: &'a str,
    message_id: &'a str,
    body: i64,
}

/// Where accepted puts go, but for those whose grant is gone by now.
fn destinations<'a>(
    sql: &dyn Sql,
    verdicts: &[&'a Verdict],
    now: i64,
) -> Stored<Vec<Destination<'a>>> {
    let accepted = verdicts.iter().filter_map(|it| it.accepted.as_ref());
    let addresses: HashSet<_> = accepted.map(|(address, _)| address.as_str()).collect();
    let addresses: Vec<_> = addresses.into_iter().collect();
    let find = Many {
        one: "SELECT g.address, d.id, d.account FROM grants g JOIN devices d ON d.id = g.device
              WHERE g.address = ?1 AND g.closed = 0 AND g.expires_at > ?2",
        all: "SELECT g.address, d.id, d.account FROM grants g JOIN devices d ON d.id = g.device
              WHERE g.address = ANY (?1) AND g.closed = 0 AND g.expires_at > ?2",
    };
    let live = sql.many(&find, &[Column::Texts(&addresses)], params![now], |row| {
        let address: String = row.get(0)?;
        Ok((address, (row.get(1)?, row.get(2)?)))
    })?;
    let live: HashMap<String, (DeviceRow, AccountRow)> = live.into_iter().collect();
    let destination = |verdict: &&'a Verdict| {
        let (address, message_id) = verdict.accepted.as_ref()?;
        let &(device, account) = live.get(address)?;
        Some(Destination {
            device,
            account,
            address,
            message_id,
            body: verdict.body,
        })
    };
    Ok(verdicts.iter().filter_map(destination).collect())
}

/// Keeps others from queueing for these devices until the transaction ends.
fn lock(sql: &dyn Sql, devices: &[DeviceRow]) -> Stored<()> {
    let lock = Many {
        one: "SELECT 1 WHERE ?1 IS NULL",
        all: "SELECT 1 FROM devices WHERE id = ANY (?1) ORDER BY id FOR NO KEY UPDATE",
    };
    sql.execute_many(&lock, &[Column::Ints(devices)], &[])
}

/// Those that are queued: not what came before, nor what is beyond the share of its grant. The
/// sender repeats until its peer acknowledges end to end (§3.3), so nothing is lost.
fn chosen<'a>(
    sql: &dyn Sql,
    found: Vec<Destination<'a>>,
    limits: QueueLimits,
    now: i64,
) -> Stored<Vec<Destination<'a>>> {
    let ids: Vec<_> = found.iter().map(|it| it.message_id).collect();
    let mut known = queue::known(sql, &ids, now)?;
    let mut waiting = waiting(sql, &found)?;
    let mut chosen = Vec::with_capacity(found.len());
    for destination in found {
        if known.contains(destination.message_id) {
            continue;
        }
        let waiting = waiting.entry(destination.address.to_owned()).or_default();
        if *waiting >= limits.per_grant {
            continue;
        }
        *waiting += 1;
        known.insert(destination.message_id.to_owned());
        chosen.push(destination);
    }
    Ok(chosen)
}

/// How many messages wait for each of the grants.
fn waiting(sql: &dyn Sql, found: &[Destination<'_>]) -> Stored<HashMap<String, u64>> {
    let count = Many {
        one: "SELECT mailbox, count(*) FROM messages WHERE mailbox = ?1 GROUP BY mailbox",
        all: "SELECT mailbox, count(*) FROM messages WHERE mailbox = ANY (?1) GROUP BY mailbox",
    };
    let addresses: HashSet<_> = found.iter().map(|it| it.address).collect();
    let addresses: Vec<_> = addresses.into_iter().collect();
    let counts = sql.many(&count, &[Column::Texts(&addresses)], &[], |row| {
        let count: i64 = row.get(1)?;
        Ok((row.get(0)?, u64::try_from(count).unwrap_or(u64::MAX)))
    })?;
    Ok(counts.into_iter().collect())
}

/// Stores the messages and puts them at the ends of the queues, in their order; their positions.
fn queue_all(sql: &dyn Sql, queued: &[Destination<'_>], limits: QueueLimits) -> Stored<Vec<i64>> {
    let ids: Vec<_> = queued.iter().map(|it| it.message_id).collect();
    messages::forget_lapsed(sql, &ids)?;
    let accounts: Vec<_> = queued.iter().map(|it| it.account).collect();
    let addresses: Vec<_> = queued.iter().map(|it| it.address).collect();
    let bodies: Vec<_> = queued.iter().map(|it| it.body).collect();
    let insert = Many {
        one: "INSERT INTO messages (message_id, account, mailbox, body, pooled, expires_at)
              VALUES (?1, ?2, ?3, ?4, 0, ?5) RETURNING id",
        all: "INSERT INTO messages (message_id, account, mailbox, body, pooled, expires_at)
              SELECT message_id, account, mailbox, body, 0, ?5::bigint
              FROM unnest(?1::text[], ?2::bigint[], ?3::text[], ?4::bigint[])
                  WITH ORDINALITY AS r (message_id, account, mailbox, body, n)
              ORDER BY n RETURNING id",
    };
    let columns = [
        Column::Texts(&ids),
        Column::Ints(&accounts),
        Column::Texts(&addresses),
        Column::Ints(&bodies),
    ];
    let stored = sql.many(&insert, &columns, params![limits.expires_at], |row| {
        row.get(0)
    })?;
    let devices: Vec<_> = queued.iter().map(|it| it.device).collect();
    queue::append(sql, &devices, &stored)
}
