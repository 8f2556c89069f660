//! Rows of conversations; what is in them is `messages`'s.

use super::{DbError, PeerId, WriteTx};
use rusqlite::{Connection, OptionalExtension};
use sotto_wire::conversation::ConversationId;

/// A conversation's row and its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConversationRow {
    pub(crate) row: i64,
    pub(crate) peer: PeerId,
}

/// The row of a conversation, once there is one.
pub(crate) fn by_id(
    connection: &Connection,
    id: &ConversationId,
) -> Result<Option<ConversationRow>, DbError> {
    let mut statement =
        connection.prepare_cached("SELECT id, peer FROM conversation WHERE key = ?1")?;
    let found = statement.query_row([id.as_bytes()], |row| {
        Ok(ConversationRow {
            row: row.get(0)?,
            peer: PeerId(row.get(1)?),
        })
    });
    Ok(found.optional()?)
}

/// The id of a conversation's row.
pub(crate) fn id_of(connection: &Connection, row: i64) -> Result<ConversationId, DbError> {
    let mut statement = connection.prepare_cached("SELECT key FROM conversation WHERE id = ?1")?;
    Ok(ConversationId::from_bytes(
        statement.query_row([row], |row| row.get(0))?,
    ))
}

/// The row of the conversation with a peer.
pub(crate) fn with_peer(connection: &Connection, peer: PeerId) -> Result<Option<i64>, DbError> {
    let mut statement = connection.prepare_cached("SELECT id FROM conversation WHERE peer = ?1")?;
    Ok(statement.query_row([peer.0], |row| row.get(0)).optional()?)
}

/// The peer of a conversation.
pub(crate) fn peer_of(connection: &Connection, row: i64) -> Result<PeerId, DbError> {
    let mut statement = connection.prepare_cached("SELECT peer FROM conversation WHERE id = ?1")?;
    Ok(PeerId(statement.query_row([row], |row| row.get(0))?))
}

/// Removes the conversation with a peer if nothing was ever said, sent or received in it; `true`
/// where it was removed.
pub(crate) fn remove_empty(tx: &WriteTx<'_>, peer: PeerId) -> Result<bool, DbError> {
    let removed = tx
        .prepare_cached(
            "DELETE FROM conversation WHERE peer = ?1
               AND NOT EXISTS (SELECT 1 FROM message m
                               WHERE m.conversation = conversation.id AND m.kind = 0)
               AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.conversation = conversation.id)
               AND NOT EXISTS (SELECT 1 FROM send_group s WHERE s.conversation = conversation.id)
               AND NOT EXISTS (SELECT 1 FROM read_group r WHERE r.conversation = conversation.id)
               AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.conversation = conversation.id)",
        )?
        .execute([peer.0])?;
    Ok(removed > 0)
}
