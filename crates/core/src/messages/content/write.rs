//! What the user does with messages (docs/protocol.md §5.2): written down here, told to the peer by
//! content that is sealed and sent like a message.

use super::apply;
use super::erase::{Trace, announce, erase};
use super::target::Target;
use super::{Kind, MAX_TIMER};
use crate::db::{Change, DbError, OwnAccount, ReadTx, WriteTx, conversations, own};
use crate::messages::compose::{self, NewMessage, insert};
use crate::messages::{ComposeError, attach, place};
use rusqlite::{OptionalExtension, params};
use sotto_wire::content::{self, Body, Content, MessageId};
use sotto_wire::conversation::ConversationId;

/// A text that a message had before it was edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Since when it had it, milliseconds since 1970.
    pub at: u64,
    /// `None` where this version does not support the content.
    pub text: Option<String>,
}

/// Reacts to a message, in the place of the reaction there was; `None` withdraws it.
///
/// # Errors
/// [`ComposeError`]; nothing has changed then.
pub fn react(tx: &WriteTx<'_>, message: i64, emoji: Option<&str>) -> Result<(), ComposeError> {
    let target = there(tx, message)?;
    if attach::waits(tx, message)? {
        return Err(ComposeError::WaitsForFile);
    }
    let before = own_reaction(tx, message)?;
    let said = before.as_ref().map(|(emoji, _)| emoji.as_str());
    if said == emoji {
        return Ok(());
    }
    let body = match emoji {
        Some(emoji) => Body::Reaction(vec![emoji.to_owned()]),
        None => Body::Delete { reaction: true },
    };
    let replaces = before.map(|(_, first)| first);
    let content = Content {
        replaces,
        in_reply_to: Some(target.mimi_id),
        ..Content::new(body, tx.random())
    };
    let (_, sent) = tell(tx, &target, &content, None)?;
    if let Some(first) = &replaces {
        apply::withdraw(tx, first, true)?;
    }
    if let Some(emoji) = emoji {
        apply::react(tx, message, true, emoji, &replaces.unwrap_or(sent))?;
    }
    Ok(announce(tx, target.conversation, vec![message])?)
}

fn own_reaction(
    tx: &WriteTx<'_>,
    message: i64,
) -> Result<Option<(String, MessageId)>, ComposeError> {
    let mut statement =
        tx.prepare_cached("SELECT emoji, mimi_id FROM reaction WHERE message = ?1 AND mine = 1")?;
    let found = statement.query_row([message], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(found.optional()?)
}

/// Gives an own message another text. One that waits for its file goes out with that and no other.
///
/// # Errors
/// [`ComposeError`]; nothing has changed then.
pub fn edit(tx: &WriteTx<'_>, message: i64, text: &str) -> Result<(), ComposeError> {
    compose::check(text)?;
    let target = there(tx, message)?;
    if !target.is_mine() {
        return Err(ComposeError::NotYours);
    }
    match &target.text {
        None => return Err(ComposeError::NoText),
        Some(before) if before == text => return Ok(()),
        Some(_) if attach::waits(tx, message)? => return Ok(attach::reword(tx, message, text)?),
        Some(_) => {}
    }
    let content = Content {
        replaces: Some(target.mimi_id),
        in_reply_to: target.reply_to,
        ..Content::text(text, tx.random())
    };
    let (place, _) = tell(tx, &target, &content, Some(&target.mimi_id))?;
    Ok(apply::edit(tx, &target, place, Some(text))?)
}

/// Deletes a message: for both where `for_everyone`, which only its author can do, else here alone.
/// One that has not left this device yet just goes.
///
/// # Errors
/// [`ComposeError`]; nothing has changed then.
pub fn delete(tx: &WriteTx<'_>, message: i64, for_everyone: bool) -> Result<(), ComposeError> {
    let target = Target::by_id(tx, message)?
        .filter(|target| target.kind == Kind::Shown as i64)
        .ok_or(ComposeError::UnknownMessage)?;
    if attach::waits(tx, message)? {
        return Ok(attach::take_back(tx, message)?);
    }
    if !for_everyone || is_unsealed(tx, &target)? {
        return Ok(erase(tx, target.conversation, message, Trace::None)?);
    }
    if !target.is_mine() {
        return Err(ComposeError::NotYours);
    }
    if target.deleted {
        return Ok(());
    }
    let content = Content {
        replaces: Some(target.mimi_id),
        ..Content::new(Body::Delete { reaction: false }, tx.random())
    };
    tell(tx, &target, &content, None)?;
    Ok(erase(tx, target.conversation, message, Trace::Deleted)?)
}

/// An own message that nobody else can have.
fn is_unsealed(tx: &WriteTx<'_>, target: &Target) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM outbox JOIN message ON message.id = outbox.message
         WHERE outbox.conversation = ?1 AND outbox.message = ?2
           AND outbox.seq IS NULL AND message.resealed = 0",
    )?;
    Ok(statement.exists([target.conversation, target.id])?)
}

/// The texts that a message had before the present one, oldest first.
///
/// # Errors
/// When the database fails.
pub fn edits(tx: &ReadTx<'_>, message: i64) -> Result<Vec<Edit>, DbError> {
    let mut statement =
        tx.prepare_cached("SELECT at, text FROM edit WHERE message = ?1 ORDER BY place")?;
    let edits = statement
        .query_map([message], |row| {
            Ok(Edit {
                at: row.get(0)?,
                text: row.get(1)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(edits)
}

/// Has the messages that are written from here on disappear after so many seconds. The peer sees it
/// by the next message.
///
/// # Errors
/// [`ComposeError::UnknownConversation`], [`ComposeError::Timer`], [`ComposeError::Db`].
pub fn set_timer(
    tx: &WriteTx<'_>,
    conversation: &ConversationId,
    seconds: Option<u32>,
) -> Result<(), ComposeError> {
    if seconds.is_some_and(|seconds| !(1..=MAX_TIMER).contains(&seconds)) {
        return Err(ComposeError::Timer);
    }
    let changed = tx
        .prepare_cached("UPDATE conversation SET timer = ?2 WHERE key = ?1")?
        .execute(params![conversation.as_bytes(), seconds])
        .map_err(DbError::from)?;
    if changed == 0 {
        return Err(ComposeError::UnknownConversation);
    }
    tx.changed(Change::Conversations(vec![*conversation]));
    Ok(())
}

/// A message that something can be done with.
fn there(tx: &WriteTx<'_>, message: i64) -> Result<Target, ComposeError> {
    Target::by_id(tx, message)?
        .filter(Target::is_there)
        .ok_or(ComposeError::UnknownMessage)
}

fn tell(
    tx: &WriteTx<'_>,
    target: &Target,
    content: &Content,
    edited: Option<&MessageId>,
) -> Result<(i64, MessageId), ComposeError> {
    let own = own::current(tx)?.ok_or(ComposeError::NoAccount)?;
    let id = conversations::id_of(tx, target.conversation)?;
    event(tx, &own, &id, target.conversation, content, edited)
}

/// Writes content down that is no message of its own, to be sealed and sent. Returns its place and
/// its MIMI id. `edited` is the message that it edits.
pub(in crate::messages) fn event(
    tx: &WriteTx<'_>,
    own: &OwnAccount,
    conversation: &ConversationId,
    row: i64,
    content: &Content,
    edited: Option<&MessageId>,
) -> Result<(i64, MessageId), ComposeError> {
    let bytes = content.encode().map_err(|_| ComposeError::Reaction)?;
    let mimi_id = content::message_id(&own.did, conversation, &bytes)
        .map_err(|_| DbError::Stored("message"))?;
    let id = place::next(tx)?;
    let message = NewMessage {
        kind: Kind::Event,
        reply_to: edited,
        ..NewMessage::own(id, row, &mimi_id, &bytes, &own.certificate)
    };
    insert(tx, &message)?;
    compose::to_outbox(tx, row, id)?;
    Ok((id, mimi_id))
}
