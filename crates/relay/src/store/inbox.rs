//! First-contact envelopes that were verified, and what they meet (§4.5): the sender's reservation,
//! the pool, or a discard window. Check and write are one transaction (PMR storage contract §1, §7).

use super::messages::{self, NewMessage};
use super::sql::{Sql, params};
use super::{AccountRow, DeviceRow, Stored, accounts, seen};

/// A put into a DID mailbox.
pub(crate) struct Put {
    /// Whose mailbox.
    pub(crate) recipient: String,
    /// The whole envelope, as it is delivered.
    pub(crate) envelope: Vec<u8>,
    /// Present if and only if the sender was verified.
    pub(crate) verified: Option<VerifiedPut>,
}

/// What verification established.
pub(crate) struct VerifiedPut {
    /// Sender DID.
    pub(crate) sender: String,
    /// Thumbprint of the sender's delegate key.
    pub(crate) sender_key: [u8; 32],
    /// §4.7 message id over the envelope's payload.
    pub(crate) message_id: String,
    /// Digest of recipient, sender and nonce.
    pub(crate) nonce: [u8; 32],
}

/// Limits of the mailbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Queued messages a provisioned sender may have.
    pub(crate) reservation: u64,
    /// Pooled messages of one sender.
    pub(crate) pool_depth: u64,
    /// Bytes in one account's pool.
    pub(crate) pool_bytes: u64,
    /// When a message put now lapses.
    pub(crate) message_expires: i64,
    /// Until when its nonce is remembered.
    pub(crate) nonce_expires: i64,
}

/// What became of a put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in the queues of these devices.
    Queued(Vec<DeviceRow>),
    /// It waits in the pool; the devices are to be told if it was the first there.
    Pooled(Vec<DeviceRow>),
    /// Nothing of it was kept; the sender is not told.
    Dropped,
    /// The sender's own reservation is full; the sender is told.
    Full,
}

/// Judges and stores one put.
pub(crate) fn put(sql: &dyn Sql, put: &Put, limits: Limits, now: i64) -> Stored<Outcome> {
    let account = accounts::locked_by_did(sql, &put.recipient)?;
    let outcome = match (account, &put.verified) {
        (Some(account), Some(verified)) => put_verified(sql, account, put, verified, limits, now)?,
        _ => Outcome::Dropped,
    };
    if outcome == Outcome::Dropped {
        // A put that is dropped writes as much as one that is kept, so that the time of its answer
        // does not tell whether the recipient exists or cares (PMR, "Blocked senders", 4).
        sql.execute(
            "INSERT INTO decoy (id, bytes) VALUES (1 /*! + (random() * 63)::bigint */, ?1)
             ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes",
            params![&vec![0; put.envelope.len()]],
        )?;
    }
    Ok(outcome)
}

fn put_verified(
    sql: &dyn Sql,
    account: AccountRow,
    put: &Put,
    verified: &VerifiedPut,
    limits: Limits,
    now: i64,
) -> Stored<Outcome> {
    if seen::contains(sql, &verified.nonce, now)?
        || seen::contains(sql, verified.message_id.as_bytes(), now)?
        || is_discarded(sql, account, &verified.sender, now)?
    {
        return Ok(Outcome::Dropped);
    }
    let provisioned = is_provisioned(sql, account, &verified.sender)?;
    let waiting = count(sql, account, &verified.sender, !provisioned, now)?;
    if provisioned && waiting >= limits.reservation {
        // The nonce is not recorded: the same envelope may be put again when there is room.
        return Ok(Outcome::Full);
    }
    if !provisioned && !pool_has_room(sql, account, waiting, put, limits, now)? {
        return Ok(Outcome::Dropped);
    }
    let first = !provisioned && pool_is_empty(sql, account, now)?;
    let message = store(sql, account, put, verified, limits, !provisioned)?;
    seen::record(sql, &verified.nonce, limits.nonce_expires)?;
    let devices = accounts::devices(sql, account)?;
    if provisioned {
        for device in &devices {
            messages::enqueue(sql, *device, message)?;
        }
        return Ok(Outcome::Queued(devices));
    }
    Ok(Outcome::Pooled(if first { devices } else { Vec::new() }))
}

fn store(
    sql: &dyn Sql,
    account: AccountRow,
    put: &Put,
    verified: &VerifiedPut,
    limits: Limits,
    pooled: bool,
) -> Stored<i64> {
    let body = messages::insert_body(sql, &put.envelope)?;
    messages::insert(
        sql,
        &NewMessage {
            message_id: &verified.message_id,
            account,
            mailbox: &put.recipient,
            sender: Some((&verified.sender, &verified.sender_key)),
            pooled,
            body,
            expires_at: limits.message_expires,
        },
    )
}

/// The pool is bounded by bytes, not by senders, and gives up depth before width (PMR, "Limits").
fn pool_has_room(
    sql: &dyn Sql,
    account: AccountRow,
    waiting: u64,
    put: &Put,
    limits: Limits,
    now: i64,
) -> Stored<bool> {
    let bytes: i64 = sql.one(
        "SELECT coalesce(sum(length(b.bytes)), 0) FROM messages m JOIN bodies b ON b.id = m.body
             WHERE m.account = ?1 AND m.pooled = 1 AND m.expires_at > ?2",
        params![account, now],
        |row| row.get(0),
    )?;
    let bytes = u64::try_from(bytes).unwrap_or(0);
    let after = bytes.saturating_add(u64::try_from(put.envelope.len()).unwrap_or(u64::MAX));
    let depth = if bytes > limits.pool_bytes / 2 {
        1
    } else {
        limits.pool_depth
    };
    Ok(waiting < depth && after <= limits.pool_bytes)
}

/// Whether an account's pool holds nothing.
pub(crate) fn pool_is_empty(sql: &dyn Sql, account: AccountRow, now: i64) -> Stored<bool> {
    let held = sql.exists(
        "SELECT 1 FROM messages WHERE account = ?1 AND pooled = 1 AND expires_at > ?2 LIMIT 1",
        params![account, now],
    )?;
    Ok(!held)
}

fn count(sql: &dyn Sql, account: AccountRow, sender: &str, pooled: bool, now: i64) -> Stored<u64> {
    let count: i64 = sql.one(
        "SELECT count(*) FROM messages
             WHERE account = ?1 AND pooled = ?2 AND sender = ?3 AND expires_at > ?4",
        params![account, pooled, sender, now],
        |row| row.get(0),
    )?;
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}

fn is_provisioned(sql: &dyn Sql, account: AccountRow, sender: &str) -> Stored<bool> {
    sql.exists(
        "SELECT 1 FROM provisioned WHERE account = ?1 AND sender = ?2",
        params![account, sender],
    )
}

fn is_discarded(sql: &dyn Sql, account: AccountRow, sender: &str, now: i64) -> Stored<bool> {
    let until: Option<i64> = sql.first(
        "SELECT until FROM discarded WHERE account = ?1 AND sender = ?2",
        params![account, sender],
        |row| row.get(0),
    )?;
    Ok(until.is_some_and(|until| until > now))
}
