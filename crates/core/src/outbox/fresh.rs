//! The same frame in other bytes.

use crate::db::{DbError, WriteTx, own};
use rusqlite::{OptionalExtension, params};
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::frame::{self, SealKey};
use sotto_wire::random;

/// From so many acceptances on, the oldest frame that a device has not acknowledged goes out in
/// other bytes.
pub(super) const FROM: u64 = 3;

/// Seals the oldest unacknowledged frame for a device under another nonce; the MLS message in it stays
/// the same. A relay drops what its device has acknowledged to it, and a device whose disk was set
/// back has lost exactly that (docs/protocol.md §3.3, §3.7). The later frames wait: once the oldest is
/// acknowledged, one of them is the oldest.
pub(super) fn seal(tx: &WriteTx<'_>, put: i64) -> Result<(), DbError> {
    let found: Option<(Vec<u8>, bool, [u8; 32])> = tx
        .prepare_cached(
            "SELECT put.bytes, held.id IS NULL, coalesce(held.seal, g.first_contact_key)
             FROM put JOIN send_group g ON g.id = put.send_group
             LEFT JOIN held_grant held ON held.id = put.held_grant
             WHERE put.id = ?1
               AND NOT EXISTS (SELECT 1 FROM put older
                               WHERE older.send_group = put.send_group
                                 AND older.peer_device IS put.peer_device
                                 AND older.seq < put.seq)",
        )?
        .query_row([put], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((bytes, first_contact, key)) = found else {
        return Ok(());
    };
    let key = SealKey::from_bytes(key);
    let fresh = match first_contact {
        true => envelope(tx, &bytes, &key)?,
        false => Some(sealed(tx, &bytes, &key)?),
    };
    if let Some(fresh) = fresh {
        tx.prepare_cached("UPDATE put SET bytes = ?2 WHERE id = ?1")?
            .execute(params![put, fresh])?;
    }
    Ok(())
}

fn sealed(tx: &WriteTx<'_>, bytes: &[u8], key: &SealKey) -> Result<Vec<u8>, DbError> {
    let same = frame::open(bytes, key).map_err(|_| DbError::Stored("put"))?;
    frame::seal(&same, key, tx.random()).map_err(|_| DbError::Stored("put"))
}

/// Of a first contact, what the relay knows it by is the payload (§4.7).
fn envelope(tx: &WriteTx<'_>, bytes: &[u8], key: &SealKey) -> Result<Option<Vec<u8>>, DbError> {
    let Some(own) = own::current(tx)? else {
        return Ok(None);
    };
    let stored = UnverifiedEnvelope::parse(bytes).map_err(|_| DbError::Stored("put"))?;
    let mut envelope = stored.into_unverified();
    envelope.sealed = sealed(tx, &envelope.sealed, key)?;
    envelope.nonce = random::array(tx.random());
    Ok(Some(envelope.sign(&own.device_key)))
}
