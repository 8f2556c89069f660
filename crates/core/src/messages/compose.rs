//! Writing a message down: no network, no MLS, so that it cannot fail for their reasons.

use super::{EngineError, MessageState, drafts, place, requests};
use crate::db::{Change, DbError, WriteTx, conversations, own};
use rusqlite::params;
use sotto_wire::content::{self, Content, MAX_TEXT};
use sotto_wire::conversation::ConversationId;

/// Why a text was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// Nothing to send.
    #[error("the text is empty")]
    Empty,
    /// More than [`MAX_TEXT`] bytes of UTF-8.
    #[error("the text is too long")]
    TooLong,
    /// No such conversation.
    #[error("unknown conversation")]
    UnknownConversation,
    /// There is no own account on this device.
    #[error("no account")]
    NoAccount,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl ComposeError {
    /// Stable code for the user interface.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "message.empty",
            Self::TooLong => "message.too-long",
            Self::UnknownConversation => "conversation.unknown",
            Self::NoAccount => "account.none",
            Self::Db(error) => error.code(),
        }
    }
}

impl From<EngineError> for ComposeError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Db(error) => Self::Db(error),
            EngineError::NoAccount => Self::NoAccount,
            // Receiving what was held: everything else is quarantined there.
            _ => Self::Db(DbError::Stored("envelope")),
        }
    }
}

/// Writes a text message down, to be sealed and sent (docs/protocol.md §5). Returns its id.
///
/// # Errors
/// [`ComposeError`]; nothing was written then.
pub fn text(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    text: &str,
) -> Result<i64, ComposeError> {
    if text.trim().is_empty() {
        return Err(ComposeError::Empty);
    }
    if text.len() > MAX_TEXT {
        return Err(ComposeError::TooLong);
    }
    let own = own::current(tx)?.ok_or(ComposeError::NoAccount)?;
    let row = conversations::by_id(tx, conversation)?.ok_or(ComposeError::UnknownConversation)?;
    // Whoever is written to is let in (§3.5).
    requests::answered(tx, &own, row.peer)?;
    let row = row.row;
    drafts::clear(tx, row)?;
    let content = Content::text(text, tx.random())
        .encode()
        .map_err(|_| ComposeError::TooLong)?;
    let mimi_id = content::message_id(&own.did, conversation, &content)
        .map_err(|_| DbError::Stored("message"))?;
    let id = place::next(tx)?;
    insert(
        tx,
        &NewMessage {
            id,
            conversation: row,
            state: MessageState::Sending,
            mimi_id: &mimi_id,
            content: &content,
            text: Some(text),
            certificate: &own.certificate,
        },
    )?;
    tx.prepare_cached("INSERT INTO outbox (conversation, message) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.execute([row, id]))
        .map_err(DbError::from)?;
    tx.changed(Change::Messages {
        conversation: *conversation,
        ids: vec![id],
    });
    tx.changed(Change::Conversations(vec![*conversation]));
    tx.changed(Change::Outbox);
    Ok(id)
}

/// A row to write.
pub(super) struct NewMessage<'a> {
    pub(super) id: i64,
    pub(super) conversation: i64,
    pub(super) state: MessageState,
    pub(super) mimi_id: &'a [u8; 32],
    pub(super) content: &'a [u8],
    /// `None`: not supported by this version.
    pub(super) text: Option<&'a str>,
    /// Of the device that wrote it (docs/protocol.md §1.6).
    pub(super) certificate: &'a [u8],
}

/// Writes a message down; `false` where the very same content is there already.
pub(super) fn insert(tx: &WriteTx<'_>, message: &NewMessage<'_>) -> Result<bool, DbError> {
    tx.prepare_cached("INSERT INTO certificate (bytes) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([message.certificate])?;
    let inserted = tx
        .prepare_cached(
            "INSERT INTO message (id, conversation, state, at, mimi_id, content, text, certificate)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT id FROM certificate WHERE bytes = ?8))
             ON CONFLICT (mimi_id) DO NOTHING",
        )?
        .execute(params![
            message.id,
            message.conversation,
            message.state as i64,
            tx.clock_now_ms(),
            message.mimi_id,
            message.content,
            message.text,
            message.certificate,
        ])?;
    Ok(inserted == 1)
}
