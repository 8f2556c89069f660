//! Where a message came from, as far as it is stored.

use super::MessageState;
use crate::db::{DbError, Peer, ReadTx, own, peers};
use rusqlite::{OptionalExtension, Row};
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;

/// What is stored of where a message came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The message.
    pub message: i64,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Whether the own account wrote it.
    pub mine: bool,
    /// Written (own) or arrived (the peer's), milliseconds since 1970.
    pub at: u64,
    /// Its MIMI message id (docs/protocol.md §5).
    pub mimi_id: [u8; 32],
    /// Its content, as it was encrypted.
    pub content: Vec<u8>,
    /// The certificate of the device that wrote it; `None` where that was not recorded yet.
    pub certificate: Option<Vec<u8>>,
    /// The account that wrote it.
    pub sender: Did,
    /// What is known of that account; `None` where it was never verified.
    pub account: Option<Peer>,
}

/// What is stored of where a message came from; `None` where there is no such message.
///
/// # Errors
/// When the database fails.
pub fn of(tx: &ReadTx<'_>, message: i64) -> Result<Option<Origin>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT c.key, m.state, m.at, m.mimi_id, m.content, certificate.bytes, peer.did
         FROM message m
         JOIN conversation c ON c.id = m.conversation
         JOIN peer ON peer.id = c.peer
         LEFT JOIN certificate ON certificate.id = m.certificate
         WHERE m.id = ?1",
    )?;
    let found = statement
        .query_row([message], |row| Ok(stored(message, row)))
        .optional()?;
    let Some(mut origin) = found.transpose()? else {
        return Ok(None);
    };
    if origin.mine {
        origin.sender = own::load(tx)?.ok_or(DbError::Stored("own account"))?.did;
    }
    origin.account = peers::by_did(tx, &origin.sender)?;
    Ok(Some(origin))
}

/// With the peer as the sender.
fn stored(message: i64, row: &Row<'_>) -> Result<Origin, DbError> {
    let state = MessageState::from_stored(row.get(1)?).ok_or(DbError::Stored("message state"))?;
    let peer: String = row.get(6)?;
    Ok(Origin {
        message,
        conversation: ConversationId::from_bytes(row.get(0)?),
        mine: state != MessageState::Received,
        at: row.get(2)?,
        mimi_id: row.get(3)?,
        content: row.get(4)?,
        certificate: row.get(5)?,
        sender: Did::parse(&peer).map_err(|_| DbError::Stored("did"))?,
        account: None,
    })
}
