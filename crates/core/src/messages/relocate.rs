//! The own account is at another relay, or a peer's is (docs/protocol.md §4.9).

use super::EngineError;
use crate::db::attachments;
use crate::db::{Change, DbError, OwnAccount, WriteTx, incoming, own, own_move, peers};
use crate::outbox::{self, grant_stock};
use rusqlite::params;
use sotto_identity::verify::Pin;
use sotto_wire::frame::{self, SealKey};

/// The record names another relay from now on: `own` is the account there. In one step with it, every
/// peer's device is owed a grant there, and what is being uploaded begins anew there. What still comes
/// to the relay of before is read as ever.
///
/// # Errors
/// [`EngineError`]; nothing was changed then.
pub(crate) fn moved(tx: &WriteTx<'_>, own: &OwnAccount, seen: &Pin) -> Result<(), EngineError> {
    let before = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    let numbered = OwnAccount {
        claim_seq: before.claim_seq.max(own.claim_seq),
        ..own.clone()
    };
    own::store(tx, &numbered)?;
    own_move::clear(tx)?;
    if before.domain != own.domain {
        own_move::leave(tx, &before.domain, &own.domain)?;
    }
    peers::pin(tx, seen, tx.clock_now_ms())?;
    incoming::published(tx, seen.incoming)?;
    grant_stock::leave(tx)?;
    attachments::upload_anew(tx)?;
    for conversation in with_send_group(tx)? {
        outbox::ask_for_frame(tx, conversation)?;
    }
    tx.changed(Change::Outbox);
    Ok(())
}

fn with_send_group(tx: &WriteTx<'_>) -> Result<Vec<i64>, DbError> {
    let mut statement = tx.prepare_cached("SELECT conversation FROM send_group ORDER BY id")?;
    let rows = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

/// A put that is not acknowledged, and the seal keys before and after.
struct Bound {
    put: i64,
    bytes: Vec<u8>,
    before: [u8; 32],
}

/// A device of a peer has given a grant at another relay than the one before: everything that it has not
/// acknowledged goes there, in order, whatever the other relay said to it. The bytes stay the same where
/// the seal key does, so that the device recognises what it has read already.
///
/// # Errors
/// When the database fails.
pub(super) fn follow(tx: &WriteTx<'_>, device: i64, grant: i64) -> Result<(), DbError> {
    let (host, seal): (String, [u8; 32]) = tx
        .prepare_cached("SELECT host, seal FROM held_grant WHERE id = ?1")?
        .query_row([grant], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut statement = tx.prepare_cached(
        "SELECT put.id, put.bytes, held.seal FROM put JOIN held_grant held ON held.id = put.held_grant
         WHERE put.peer_device = ?1 AND held.host <> ?2",
    )?;
    let bound = statement
        .query_map(params![device, host], |row| {
            Ok(Bound {
                put: row.get(0)?,
                bytes: row.get(1)?,
                before: row.get(2)?,
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    for one in bound {
        let bytes = match one.before == seal {
            true => one.bytes,
            false => sealed_anew(tx, &one, &SealKey::from_bytes(seal))?,
        };
        tx.prepare_cached(
            "UPDATE put SET held_grant = ?2, bytes = ?3, accepted = 0, failures = 0, next_at = ?4
             WHERE id = ?1",
        )?
        .execute(params![one.put, grant, bytes, tx.clock_now_ms()])?;
    }
    Ok(())
}

fn sealed_anew(tx: &WriteTx<'_>, put: &Bound, seal: &SealKey) -> Result<Vec<u8>, DbError> {
    let unreadable = |_| DbError::Stored("put");
    let same = frame::open(&put.bytes, &SealKey::from_bytes(put.before)).map_err(unreadable)?;
    frame::seal(&same, seal, tx.random()).map_err(unreadable)
}
