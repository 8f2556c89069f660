//! Envelopes that could not be processed. Kept, so that a better version or a later Welcome may
//! still read them; bounded, so that nobody can fill the disk with them.

use crate::db::{DbError, WriteTx};
use rusqlite::params;
use sotto_wire::grant::Address;

const MAX_ROWS: u64 = 1000;
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The code of frames that wait for a Welcome.
pub(crate) const UNKNOWN_GROUP: &str = "frame.unknown-group";

/// The code of frames of an epoch that was not reached yet.
pub(crate) const AHEAD: &str = "message.ahead";

/// The code of what shows a certificate that does not verify: its account may have another key now.
pub(crate) const CERTIFICATE: &str = "certificate.invalid";
/// The code of first contacts under a key that the user has not accepted.
pub(crate) const KEY_CHANGED: &str = "account.key_changed";

/// One envelope to keep.
pub(crate) struct Kept<'a> {
    pub(crate) digest: &'a [u8; 32],
    pub(crate) conversation: Option<i64>,
    /// The grant it came by; `None` for the DID mailbox.
    pub(crate) address: Option<&'a Address>,
    pub(crate) code: &'a str,
    pub(crate) bytes: &'a [u8],
}

/// Keeps an envelope; the oldest ones go where there are too many.
pub(crate) fn keep(tx: &WriteTx<'_>, kept: &Kept<'_>) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO quarantine (digest, conversation, address, code, bytes, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (digest) DO UPDATE SET code = ?4, at = ?6",
    )?
    .execute(params![
        kept.digest,
        kept.conversation,
        kept.address.map(Address::as_str),
        kept.code,
        kept.bytes,
        tx.clock_now_ms()
    ])?;
    bound(tx)
}

fn bound(tx: &WriteTx<'_>) -> Result<(), DbError> {
    loop {
        let (rows, bytes): (u64, u64) = tx
            .prepare_cached("SELECT count(*), coalesce(sum(length(bytes)), 0) FROM quarantine")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if rows <= MAX_ROWS && bytes <= MAX_BYTES {
            return Ok(());
        }
        tx.prepare_cached("DELETE FROM quarantine WHERE id = (SELECT min(id) FROM quarantine)")?
            .execute([])?;
    }
}

/// An envelope that is to be tried once more.
pub(crate) struct Again {
    pub(crate) id: i64,
    /// The grant it came by; `None` for the DID mailbox.
    pub(crate) address: Option<Address>,
    pub(crate) bytes: Vec<u8>,
}

/// Envelopes of a conversation that are kept for this reason, oldest first.
pub(crate) fn of(tx: &WriteTx<'_>, conversation: i64, code: &str) -> Result<Vec<Again>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, address, bytes FROM quarantine
         WHERE conversation = ?1 AND code = ?2 ORDER BY id",
    )?;
    let mut rows = statement.query(params![conversation, code])?;
    let mut envelopes = Vec::new();
    while let Some(row) = rows.next()? {
        let address: Option<String> = row.get(1)?;
        let address = address.map(|it| Address::parse(&it)).transpose();
        envelopes.push(Again {
            id: row.get(0)?,
            address: address.map_err(|_| DbError::Stored("address"))?,
            bytes: row.get(2)?,
        });
    }
    Ok(envelopes)
}

pub(crate) fn release(tx: &WriteTx<'_>, id: i64) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM quarantine WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}
