//! Reading: the conversation list and the messages of a conversation.

use super::{MessageState, drafts};
use crate::db::holds::{self, Hold};
use crate::db::{Change, DbError, Peer, ReadTx, WriteTx, conversations, peers};
use rusqlite::{OptionalExtension, Row, params};
use sotto_wire::conversation::ConversationId;

/// One line of the conversation list.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// The conversation.
    pub id: ConversationId,
    /// With whom.
    pub peer: Peer,
    /// The last message; lines in between are none.
    pub last: Option<Message>,
    /// When it was begun here, milliseconds since 1970.
    pub created_at: u64,
    /// Messages not read yet.
    pub unread: u32,
    /// What is being written to the peer.
    pub draft: Option<String>,
    /// Why nothing goes out to the peer, and whether the user had confirmed it.
    pub(crate) hold: Option<(Hold, bool)>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Ascending in the order in which messages are shown.
    pub id: i64,
    /// Its conversation.
    pub conversation: ConversationId,
    /// What has become of it; [`MessageState::Received`] for the peer's.
    pub state: MessageState,
    /// Code of why it failed.
    pub error: Option<String>,
    /// Written (own) or arrived (the peer's), milliseconds since 1970 by this device's clock.
    pub at: u64,
    /// `None` where this version does not support the content.
    pub text: Option<String>,
    /// Not a message but a line in between, with this code (docs/protocol.md §3.7).
    pub notice: Option<String>,
}

impl Message {
    /// Whether the own account wrote it.
    pub fn mine(&self) -> bool {
        self.state != MessageState::Received
    }
}

/// The conversation list, newest first.
///
/// # Errors
/// When the database fails.
pub fn conversations(tx: &ReadTx<'_>) -> Result<Vec<Conversation>, DbError> {
    let sql = list("TRUE");
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut conversations = Vec::new();
    while let Some(row) = rows.next()? {
        conversations.push(conversation_row(tx, row)?);
    }
    Ok(conversations)
}

/// One line of it.
///
/// # Errors
/// When the database fails.
pub fn conversation(tx: &ReadTx<'_>, id: &ConversationId) -> Result<Option<Conversation>, DbError> {
    let sql = list("c.key = ?1");
    let mut statement = tx.prepare_cached(&sql)?;
    let mut rows = statement.query([id.as_bytes()])?;
    rows.next()?
        .map(|row| conversation_row(tx, row))
        .transpose()
}

/// Up to `limit` messages of a conversation before the message `before` (or the last ones),
/// oldest first.
///
/// # Errors
/// When the database fails.
pub fn page(
    tx: &ReadTx<'_>,
    conversation: &ConversationId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Message>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT m.id, c.key, m.state, m.error, m.at, m.text, m.notice
         FROM conversation c JOIN message m ON m.conversation = c.id
         WHERE c.key = ?1 AND m.id < ?2 ORDER BY m.id DESC LIMIT ?3",
    )?;
    let before = before.unwrap_or(i64::MAX);
    let mut rows = statement.query(params![conversation.as_bytes(), before, limit])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(message_row(row, 0)?);
    }
    messages.reverse();
    Ok(messages)
}

/// These messages, those that exist, in the order asked for.
///
/// # Errors
/// When the database fails.
pub fn by_ids(tx: &ReadTx<'_>, ids: &[i64]) -> Result<Vec<Message>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT m.id, c.key, m.state, m.error, m.at, m.text, m.notice
         FROM message m JOIN conversation c ON c.id = m.conversation WHERE m.id = ?1",
    )?;
    let mut messages = Vec::new();
    for id in ids {
        let found = statement
            .query_row([id], |row| Ok(message_row(row, 0)))
            .optional()?;
        messages.extend(found.transpose()?);
    }
    Ok(messages)
}

/// Everything in this conversation has been seen.
///
/// # Errors
/// When the database fails.
pub fn mark_read(tx: &WriteTx<'_>, conversation: &ConversationId) -> Result<(), DbError> {
    let changed = tx
        .prepare_cached("UPDATE conversation SET unread = 0 WHERE key = ?1 AND unread > 0")?
        .execute([conversation.as_bytes()])?;
    if changed > 0 {
        tx.changed(Change::Conversations(vec![*conversation]));
    }
    Ok(())
}

fn list(condition: &str) -> String {
    format!(
        "SELECT {}, c.key, c.created_at, c.unread, m.id, c.key, m.state, m.error, m.at, m.text, m.notice
         FROM conversation c
         JOIN peer ON peer.id = c.peer
         LEFT JOIN peer_avatar avatar ON avatar.peer = peer.id
         LEFT JOIN message m ON m.id = (SELECT max(id) FROM message
                                     WHERE conversation = c.id AND notice IS NULL)
         WHERE {condition}
         ORDER BY coalesce(m.at, c.created_at) DESC, c.id DESC",
        peers::COLUMNS
    )
}

fn conversation_row(tx: &ReadTx<'_>, row: &Row<'_>) -> Result<Conversation, DbError> {
    let own = peers::WIDTH;
    let id = ConversationId::from_bytes(row.get(own)?);
    let last: Option<i64> = row.get(own + 3)?;
    Ok(Conversation {
        peer: peers::from_row(row)??,
        id,
        hold: hold(tx, &id)?,
        draft: drafts::of(tx, &id)?,
        created_at: row.get(own + 1)?,
        unread: row.get(own + 2)?,
        last: last.map(|_| message_row(row, own + 3)).transpose()?,
    })
}

fn hold(tx: &ReadTx<'_>, id: &ConversationId) -> Result<Option<(Hold, bool)>, DbError> {
    let Some(row) = conversations::by_id(tx, id)? else {
        return Ok(None);
    };
    let Some(hold) = holds::of(tx, row.peer)? else {
        return Ok(None);
    };
    Ok(Some((hold, holds::is_confirmed(tx, row.peer)?)))
}

/// Reads id, conversation, state, error, time, text and notice, beginning at a column.
fn message_row(row: &Row<'_>, from: usize) -> Result<Message, DbError> {
    Ok(Message {
        id: row.get(from)?,
        conversation: ConversationId::from_bytes(row.get(from + 1)?),
        state: MessageState::from_stored(row.get(from + 2)?)
            .ok_or(DbError::Stored("message state"))?,
        error: row.get(from + 3)?,
        at: row.get(from + 4)?,
        text: row.get(from + 5)?,
        notice: row.get(from + 6)?,
    })
}
