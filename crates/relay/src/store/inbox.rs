//! First-contact envelopes that were verified, and what they meet (§4.5): the sender's reservation,
//! the pool, a discard window, or a block. Check and write are one transaction (PMR storage contract §1, §7).

use super::blocks::{self, Blocked, Chance};
use super::messages::{self, NewMessage};
use super::sql::{Sql, params};
use super::{AccountRow, DeviceRow, Stored, accounts, seen};

/// A put into a DID mailbox.
pub(crate) struct Put {
    /// Whose mailbox.
    pub(crate) recipient: String,
    /// The whole envelope, as it is delivered.
    pub(crate) envelope: Vec<u8>,
    /// Drawn for this put.
    pub(crate) chance: Chance,
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

/// Stands for the account of a recipient that is not registered here: a row that never is.
const NOBODY: AccountRow = -1;

/// Judges and stores one put.
pub(crate) fn put(sql: &dyn Sql, put: &Put, limits: Limits, now: i64) -> Stored<Outcome> {
    let account = accounts::locked_by_did(sql, &put.recipient)?;
    // The same questions whoever it is for and from, before any of them counts.
    let facts = Facts::find(sql, account.unwrap_or(NOBODY), put, now)?;
    let outcome = match (account, &put.verified) {
        (Some(account), Some(verified)) => match facts.blocked {
            Some(blocked) => {
                put_blocked(sql, account, (put, verified), &facts, blocked, limits, now)?
            }
            None => put_verified(sql, account, (put, verified), &facts, limits, now)?,
        },
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

/// What a put meets.
struct Facts {
    /// It, or its nonce, came before.
    seen: bool,
    /// The same while its sender was blocked.
    seen_blocked: bool,
    discarded: bool,
    provisioned: bool,
    /// The sender's messages in the pool, and in the queues.
    pooled: u64,
    queued: u64,
    /// The mailbox takes nothing.
    paused: bool,
    blocked: Option<Blocked>,
}

impl Facts {
    fn find(sql: &dyn Sql, account: AccountRow, put: &Put, now: i64) -> Stored<Self> {
        let verified = put.verified.as_ref();
        let sender = verified.map_or("", |verified| &verified.sender);
        let nonce = verified.map_or([0; 32], |verified| verified.nonce);
        let id = verified.map_or("", |verified| &verified.message_id);
        let (blocked_nonce, blocked_id) = (blocks::digest(&nonce), blocks::digest(id.as_bytes()));
        let mut facts = sql.one(
            "SELECT
                (SELECT count(*) FROM seen WHERE digest IN (?4, ?5) AND expires_at > ?3),
                (SELECT count(*) FROM seen WHERE digest IN (?6, ?7) AND expires_at > ?3),
                (SELECT count(*) FROM discarded
                    WHERE account = ?1 AND sender = ?2 AND until > ?3),
                (SELECT count(*) FROM provisioned WHERE account = ?1 AND sender = ?2),
                (SELECT count(*) FROM messages
                    WHERE account = ?1 AND pooled = 1 AND sender = ?2 AND expires_at > ?3),
                (SELECT count(*) FROM messages
                    WHERE account = ?1 AND pooled = 0 AND sender = ?2 AND expires_at > ?3),
                (SELECT count(*) FROM accounts WHERE id = ?1 AND paused <> 0)",
            params![
                account,
                sender,
                now,
                nonce.as_slice(),
                id.as_bytes(),
                blocked_nonce.as_slice(),
                blocked_id.as_slice()
            ],
            |row| {
                Ok(Self {
                    seen: row.get(0)?,
                    seen_blocked: row.get(1)?,
                    discarded: row.get(2)?,
                    provisioned: row.get(3)?,
                    pooled: u64::try_from(row.get::<i64>(4)?).unwrap_or(u64::MAX),
                    queued: u64::try_from(row.get::<i64>(5)?).unwrap_or(u64::MAX),
                    paused: row.get(6)?,
                    blocked: None,
                })
            },
        )?;
        facts.blocked = blocks::find(sql, account, sender)?;
        Ok(facts)
    }
}

/// Keeps nothing of the put, and makes up whether it finds room. As on the real way, what was seen
/// before takes none, and what is refused is not remembered (PMR storage contract §7).
fn put_blocked(
    sql: &dyn Sql,
    account: AccountRow,
    (put, verified): (&Put, &VerifiedPut),
    facts: &Facts,
    blocked: Blocked,
    limits: Limits,
    now: i64,
) -> Stored<Outcome> {
    if facts.seen || facts.seen_blocked || !blocked.reserved {
        return Ok(Outcome::Dropped);
    }
    let Some(after) = blocked.after_put(limits.reservation, now, put.chance) else {
        return Ok(Outcome::Full);
    };
    blocks::keep(sql, account, &verified.sender, after)?;
    for of in [verified.nonce.as_slice(), verified.message_id.as_bytes()] {
        seen::record(sql, &blocks::digest(of), limits.nonce_expires)?;
    }
    Ok(Outcome::Dropped)
}

fn put_verified(
    sql: &dyn Sql,
    account: AccountRow,
    (put, verified): (&Put, &VerifiedPut),
    facts: &Facts,
    limits: Limits,
    now: i64,
) -> Stored<Outcome> {
    if facts.seen || facts.discarded {
        return Ok(Outcome::Dropped);
    }
    let provisioned = facts.provisioned;
    if provisioned && facts.queued >= limits.reservation {
        // The nonce is not recorded: the same envelope may be put again when there is room.
        return Ok(Outcome::Full);
    }
    if facts.paused {
        return Ok(Outcome::Dropped);
    }
    if !provisioned && !pool_has_room(sql, account, facts.pooled, put, limits, now)? {
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
    if waiting >= limits.pool_depth {
        // Before the sum, which takes the longer the more is in the pool.
        return Ok(false);
    }
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
