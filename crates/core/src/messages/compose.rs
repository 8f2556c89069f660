//! Writing a message down: no network, no MLS, so that it cannot fail for their reasons.

use super::content::{Expiry, Kind, expiry_of};
use super::{EngineError, MessageState, attach, drafts, place, requests};
use crate::db::{Change, DbError, WriteTx, conversations, own};
use rusqlite::{OptionalExtension, named_params, params};
use sotto_wire::content::{self, Content, Expires, MAX_TEXT, MessageId};
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
    /// No such message, or nothing in it any more.
    #[error("unknown message")]
    UnknownMessage,
    /// Only its author can do that.
    #[error("not your own message")]
    NotYours,
    /// There is no text to edit in it.
    #[error("the message has no text")]
    NoText,
    /// Its file is not at the relay: nobody else knows of it.
    #[error("the message waits for its file")]
    WaitsForFile,
    /// Not one visible character.
    #[error("not a reaction")]
    Reaction,
    /// Not between a second and a year.
    #[error("no such timer")]
    Timer,
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
            Self::UnknownMessage => "message.unknown",
            Self::NotYours => "message.not_yours",
            Self::NoText => "message.no_text",
            Self::WaitsForFile => "message.waits_for_file",
            Self::Reaction => "message.reaction",
            Self::Timer => "message.timer",
            Self::UnknownConversation => "conversation.unknown",
            Self::NoAccount => "account.none",
            Self::Db(error) => error.code(),
        }
    }
}

impl From<rusqlite::Error> for ComposeError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(error.into())
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
    reply(tx, conversation, text, None)
}

/// As [`text`], in answer to another message of the conversation. One that is not there any more is
/// answered all the same, without saying what.
///
/// # Errors
/// [`ComposeError`]; nothing was written then.
pub fn reply(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    text: &str,
    reply_to: Option<i64>,
) -> Result<i64, ComposeError> {
    check(text)?;
    let (row, id) = written(tx, conversation, text, reply_to)?;
    to_outbox(tx, row, id)?;
    Ok(id)
}

/// Writes a message down that is sealed when its file is at the relay; the text may be empty. Until
/// then its content is that of a text.
pub(super) fn with_file(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    text: &str,
) -> Result<i64, ComposeError> {
    if text.len() > MAX_TEXT {
        return Err(ComposeError::TooLong);
    }
    written(tx, conversation, text, None).map(|(_, id)| id)
}

/// Row of the conversation and id of the message.
fn written(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    text: &str,
    reply_to: Option<i64>,
) -> Result<(i64, i64), ComposeError> {
    let own = own::current(tx)?.ok_or(ComposeError::NoAccount)?;
    let row = conversations::by_id(tx, conversation)?.ok_or(ComposeError::UnknownConversation)?;
    // Whoever is written to is let in (§3.5).
    requests::answered(tx, &own, row.peer)?;
    let row = row.row;
    drafts::clear(tx, row)?;
    let (timer, in_reply_to) = context(tx, row, reply_to)?;
    let content = Content {
        expires: timer.map(Expires::After),
        in_reply_to,
        ..Content::text(text, tx.random())
    };
    let bytes = content.encode().map_err(|_| ComposeError::TooLong)?;
    let mimi_id = content::message_id(&own.did, conversation, &bytes)
        .map_err(|_| DbError::Stored("message"))?;
    let id = place::next(tx)?;
    let message = NewMessage {
        text: Some(text),
        reply_to: in_reply_to.as_ref(),
        expiry: expiry_of(content.expires),
        ..NewMessage::own(id, row, &mimi_id, &bytes, &own.certificate)
    };
    insert(tx, &message)?;
    tx.changed(Change::Messages {
        conversation: *conversation,
        ids: vec![id],
    });
    tx.changed(Change::Conversations(vec![*conversation]));
    Ok((row, id))
}

/// The conversation's timer, and the MIMI id of the message that is answered.
fn context(
    tx: &WriteTx<'_>,
    conversation: i64,
    reply_to: Option<i64>,
) -> Result<(Option<u32>, Option<MessageId>), ComposeError> {
    let timer = tx
        .prepare_cached("SELECT timer FROM conversation WHERE id = ?1")?
        .query_row([conversation], |row| row.get(0))?;
    let Some(message) = reply_to else {
        return Ok((timer, None));
    };
    if attach::waits(tx, message)? {
        return Err(ComposeError::WaitsForFile);
    }
    let answered = tx
        .prepare_cached(
            "SELECT mimi_id FROM message WHERE id = ?1 AND conversation = ?2 AND kind = 0",
        )?
        .query_row(params![message, conversation], |row| row.get(0))
        .optional()?;
    Ok((timer, answered))
}

/// Whether a text can be sent.
pub(super) fn check(text: &str) -> Result<(), ComposeError> {
    if text.trim().is_empty() {
        return Err(ComposeError::Empty);
    }
    if text.len() > MAX_TEXT {
        return Err(ComposeError::TooLong);
    }
    Ok(())
}

/// Has a row of `message` sealed and sent.
pub(super) fn to_outbox(tx: &WriteTx<'_>, conversation: i64, id: i64) -> Result<(), DbError> {
    tx.prepare_cached("INSERT INTO outbox (conversation, message) VALUES (?1, ?2)")?
        .execute([conversation, id])?;
    tx.changed(Change::Outbox);
    Ok(())
}

/// A row to write.
pub(super) struct NewMessage<'a> {
    pub(super) id: i64,
    pub(super) conversation: i64,
    pub(super) kind: Kind,
    pub(super) state: MessageState,
    pub(super) mimi_id: &'a MessageId,
    pub(super) content: &'a [u8],
    /// `None`: not supported by this version.
    pub(super) text: Option<&'a str>,
    /// Of the device that wrote it (docs/protocol.md §1.6).
    pub(super) certificate: &'a [u8],
    pub(super) unread: bool,
    /// The message that it answers; of an edit, the one that it edits.
    pub(super) reply_to: Option<&'a MessageId>,
    pub(super) expiry: Expiry,
}

impl<'a> NewMessage<'a> {
    /// A message of the own account, of which nothing further is said.
    pub(super) fn own(
        id: i64,
        conversation: i64,
        mimi_id: &'a MessageId,
        content: &'a [u8],
        certificate: &'a [u8],
    ) -> Self {
        Self {
            id,
            conversation,
            kind: Kind::Shown,
            state: MessageState::Sending,
            mimi_id,
            content,
            text: None,
            certificate,
            unread: false,
            reply_to: None,
            expiry: Expiry::default(),
        }
    }
}

/// Writes a message down; `false` where the very same content is there already.
pub(super) fn insert(tx: &WriteTx<'_>, message: &NewMessage<'_>) -> Result<bool, DbError> {
    tx.prepare_cached("INSERT INTO certificate (bytes) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([message.certificate])?;
    let inserted = tx
        .prepare_cached(
            "INSERT INTO message (id, conversation, kind, state, at, mimi_id, content, text,
               certificate, unread, reply_to, expires_in, expires_at)
             VALUES (:id, :conversation, :kind, :state, :at, :mimi_id, :content, :text,
               (SELECT id FROM certificate WHERE bytes = :certificate), :unread, :reply_to,
               :expires_in, :expires_at)
             ON CONFLICT (mimi_id) DO NOTHING",
        )?
        .execute(named_params! {
            ":id": message.id,
            ":conversation": message.conversation,
            ":kind": message.kind as i64,
            ":state": message.state as i64,
            ":at": tx.clock_now_ms(),
            ":mimi_id": message.mimi_id,
            ":content": message.content,
            ":text": message.text,
            ":certificate": message.certificate,
            ":unread": message.unread,
            ":reply_to": message.reply_to,
            ":expires_in": message.expiry.after,
            ":expires_at": message.expiry.at,
        })?;
    Ok(inserted == 1)
}
