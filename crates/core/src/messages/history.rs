//! Reading: the conversation list and the messages of a conversation.

use super::{ComposeError, MessageState, content, drafts};
use crate::db::attachments::{self, Attachment};
use crate::db::holds::{self, Hold};
use crate::db::{DbError, Peer, ReadTx, WriteTx, conversations, peers};
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
    /// Seconds after which messages disappear.
    pub timer: Option<u32>,
    /// Its file, where the last message says nothing beside it.
    pub file: Option<File>,
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
    /// `None` where this version does not support the content, and where it is deleted.
    pub text: Option<String>,
    /// Not a message but a line in between, with this code (docs/protocol.md §3.7).
    pub notice: Option<String>,
    /// The message that it answers.
    pub reply_to: Option<Reply>,
    /// What both think of it.
    pub reactions: Vec<Reaction>,
    /// Since when it has its present text, where that is not the first, in milliseconds since 1970.
    pub edited_at: Option<u64>,
    /// It was deleted for everyone.
    pub deleted: bool,
    /// Seconds after which it disappears.
    pub expires_in: Option<u32>,
    /// When it disappears, in milliseconds since 1970, once that is known.
    pub expires_at: Option<u64>,
}

/// The message that another one answers, as it is at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// `None` where it is not here.
    pub message: Option<i64>,
    /// Whether the own account wrote it.
    pub mine: bool,
    /// As [`Message::text`].
    pub text: Option<String>,
    /// Its file, where it says nothing beside it.
    pub file: Option<File>,
}

/// What there is to say of a file by its sender's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Safe to show.
    pub name: String,
    /// `image/png`
    pub mime: String,
}

/// A reaction, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// One visible character.
    pub emoji: String,
    /// The own account's.
    pub mine: bool,
    /// The peer's.
    pub peer: bool,
}

/// The files of a message, in their order.
///
/// # Errors
/// When the database fails.
pub(crate) fn attachments(tx: &ReadTx<'_>, message: i64) -> Result<Vec<Attachment>, DbError> {
    attachments::of_message(tx, message)
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
    let sql = format!(
        "SELECT {COLUMNS} FROM conversation c JOIN message m ON m.conversation = c.id {ANSWERED}
         WHERE c.key = ?1 AND m.id < ?2 AND m.kind = 0 ORDER BY m.id DESC LIMIT ?3"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let before = before.unwrap_or(i64::MAX);
    let mut rows = statement.query(params![conversation.as_bytes(), before, limit])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(message_row(tx, row, 0)?);
    }
    messages.reverse();
    Ok(messages)
}

/// These messages, those that exist, in the order asked for.
///
/// # Errors
/// When the database fails.
pub fn by_ids(tx: &ReadTx<'_>, ids: &[i64]) -> Result<Vec<Message>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM message m JOIN conversation c ON c.id = m.conversation {ANSWERED}
         WHERE m.id = ?1 AND m.kind = 0"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let mut messages = Vec::new();
    for id in ids {
        let found = statement
            .query_row([id], |row| Ok(message_row(tx, row, 0)))
            .optional()?;
        messages.extend(found.transpose()?);
    }
    Ok(messages)
}

/// Everything in this conversation has been seen (docs/protocol.md §5.3).
///
/// # Errors
/// When the database fails.
pub fn mark_read(tx: &WriteTx<'_>, conversation: &ConversationId) -> Result<(), ComposeError> {
    content::mark_read(tx, conversation)
}

fn list(condition: &str) -> String {
    format!(
        "SELECT {}, c.key, c.created_at, c.unread, c.timer, {COLUMNS}
         FROM conversation c
         JOIN peer ON peer.id = c.peer
         LEFT JOIN peer_avatar avatar ON avatar.peer = peer.id
         LEFT JOIN message m ON m.id =
           (SELECT max(id) FROM message WHERE conversation = c.id AND kind = 0 AND notice IS NULL)
         {ANSWERED}
         WHERE {condition}
         ORDER BY coalesce(m.at, c.created_at) DESC, c.id DESC",
        peers::COLUMNS
    )
}

fn conversation_row(tx: &ReadTx<'_>, row: &Row<'_>) -> Result<Conversation, DbError> {
    let own = peers::WIDTH;
    let id = ConversationId::from_bytes(row.get(own)?);
    let last: Option<i64> = row.get(own + 4)?;
    let last = last.map(|_| message_row(tx, row, own + 4)).transpose()?;
    let file = match &last {
        Some(last) => wordless(tx, Some(last.id), last.text.as_deref())?,
        None => None,
    };
    Ok(Conversation {
        peer: peers::from_row(row)??,
        id,
        hold: hold(tx, &id)?,
        draft: drafts::of(tx, &id)?,
        created_at: row.get(own + 1)?,
        unread: row.get(own + 2)?,
        timer: row.get(own + 3)?,
        last,
        file,
    })
}

/// The first file of a message that has no words.
fn wordless(
    tx: &ReadTx<'_>,
    message: Option<i64>,
    text: Option<&str>,
) -> Result<Option<File>, DbError> {
    let Some(message) = message.filter(|_| text == Some("")) else {
        return Ok(None);
    };
    let mut statement = tx.prepare_cached(
        "SELECT name, mime FROM attachment WHERE message = ?1 ORDER BY place LIMIT 1",
    )?;
    let file = statement.query_row([message], |row| {
        Ok(File {
            name: row.get(0)?,
            mime: row.get(1)?,
        })
    });
    Ok(file.optional()?)
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

/// What [`message_row`] reads of a message `m` of a conversation `c`, with [`ANSWERED`].
const COLUMNS: &str = "m.id, c.key, m.state, m.error, m.at, m.text, m.notice, m.edited_at, \
                       m.deleted_at IS NOT NULL, m.expires_in, m.expires_at, \
                       m.reply_to IS NOT NULL, answered.id, answered.state, answered.text";
/// The message that it answers, where it is here.
const ANSWERED: &str = "LEFT JOIN message answered ON answered.mimi_id = m.reply_to \
                        AND answered.conversation = m.conversation AND answered.kind = 0";

/// Reads [`COLUMNS`], beginning at a column.
fn message_row(tx: &ReadTx<'_>, row: &Row<'_>, from: usize) -> Result<Message, DbError> {
    let id = row.get(from)?;
    Ok(Message {
        id,
        conversation: ConversationId::from_bytes(row.get(from + 1)?),
        state: state(row.get(from + 2)?)?,
        error: row.get(from + 3)?,
        at: row.get(from + 4)?,
        text: row.get(from + 5)?,
        notice: row.get(from + 6)?,
        edited_at: row.get(from + 7)?,
        deleted: row.get(from + 8)?,
        expires_in: row.get(from + 9)?,
        expires_at: row.get(from + 10)?,
        reply_to: reply(tx, row, from + 11)?,
        reactions: reactions(tx, id)?,
    })
}

fn state(stored: i64) -> Result<MessageState, DbError> {
    MessageState::from_stored(stored).ok_or(DbError::Stored("message state"))
}

fn reply(tx: &ReadTx<'_>, row: &Row<'_>, from: usize) -> Result<Option<Reply>, DbError> {
    if !row.get::<_, bool>(from)? {
        return Ok(None);
    }
    let answered: Option<i64> = row.get(from + 2)?;
    let mine = match answered {
        Some(stored) => state(stored)? != MessageState::Received,
        None => false,
    };
    let (message, text): (_, Option<String>) = (row.get(from + 1)?, row.get(from + 3)?);
    Ok(Some(Reply {
        message,
        mine,
        file: wordless(tx, message, text.as_deref())?,
        text,
    }))
}

fn reactions(tx: &ReadTx<'_>, message: i64) -> Result<Vec<Reaction>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT emoji, max(mine) = 1, min(mine) = 0 FROM reaction WHERE message = ?1
         GROUP BY emoji ORDER BY emoji",
    )?;
    let reactions = statement
        .query_map([message], |row| {
            Ok(Reaction {
                emoji: row.get(0)?,
                mine: row.get(1)?,
                peer: row.get(2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(reactions)
}
