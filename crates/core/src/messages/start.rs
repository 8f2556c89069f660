//! Beginning a conversation: its id is the pair of accounts, so there can be only one.

use super::EngineError;
use crate::db::{Change, Peer, PeerId, WriteTx, holds, own, peers};
use rusqlite::params;
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;

/// The conversation with a verified peer; made where there is none. Stores what is known of the
/// peer.
///
/// # Errors
/// [`EngineError::NoAccount`], [`EngineError::OwnAccount`], [`EngineError::Db`].
pub fn conversation(tx: &WriteTx<'_>, peer: &Peer) -> Result<ConversationId, EngineError> {
    let own = own::current(tx)?.ok_or(EngineError::NoAccount)?;
    if own.did == peer.pin.did {
        return Err(EngineError::OwnAccount);
    }
    let id = peers::upsert(tx, peer)?;
    // It has just been verified.
    holds::set(tx, id, None)?;
    Ok(with(tx, &own.did, id, &peer.pin.did)?.1)
}

/// The conversation with a peer that is stored already: its row and its id.
pub(super) fn with(
    tx: &WriteTx<'_>,
    own: &Did,
    peer: PeerId,
    did: &Did,
) -> Result<(i64, ConversationId), EngineError> {
    let id = ConversationId::of(own, did);
    let inserted = tx
        .prepare_cached(
            "INSERT INTO conversation (key, peer, created_at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![id.as_bytes(), peer.0, tx.clock_now_ms()])?;
    if inserted == 1 {
        tx.changed(Change::Conversations(vec![id]));
    }
    let row = tx
        .prepare_cached("SELECT id FROM conversation WHERE key = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))?;
    Ok((row, id))
}
