//! What the peer says of messages, and whether that counts (docs/protocol.md §5.2).

use super::early::{self, Early};
use super::erase::{Trace, announce, erase};
use super::target::Target;
use crate::db::{DbError, WriteTx};
use crate::messages::MessageState;
use rusqlite::{OptionalExtension, params};
use sotto_wire::content::{Body, Content, MessageId, STATUS_READ};

/// The most different reactions of one person to one message.
pub(super) const MAX_REACTIONS: u64 = 20;
/// The most earlier texts that are kept of a message.
const MAX_EDITS: u64 = 100;

/// Content of the peer that is no message of its own.
pub(in crate::messages) struct Event<'a> {
    pub(in crate::messages) conversation: i64,
    pub(in crate::messages) mimi_id: &'a MessageId,
    /// Among the messages and events of the conversation: later ones win.
    pub(in crate::messages) place: i64,
    pub(in crate::messages) content: &'a Content,
    pub(in crate::messages) bytes: &'a [u8],
}

/// Does what an event of the peer says, as far as the peer may say it. What is about a message that
/// is not there yet is kept for it.
pub(in crate::messages) fn by_peer(
    tx: &WriteTx<'_>,
    event: &Event<'_>,
    early: &mut Early,
) -> Result<(), DbError> {
    match (&event.content.body, event.content.replaces) {
        (Body::Status(statuses), _) => read_by_peer(tx, event.conversation, statuses),
        (Body::Reaction(emoji), replaces) => reacted(tx, event, early, emoji, replaces),
        (Body::Delete { .. }, Some(target)) => taken_back(tx, event, early, &target),
        (body, Some(target)) => edited(tx, event, early, &target, text_of(body)),
        (_, None) => Ok(()),
    }
}

/// What is shown of a body; `None` where this version does not support it.
pub(in crate::messages) fn text_of(body: &Body) -> Option<&str> {
    match body {
        Body::Text(text) => Some(text),
        // A file without words has words, too: none.
        Body::Attachments { text, .. } => Some(text.as_deref().unwrap_or_default()),
        _ => None,
    }
}

/// Only own messages can have been read by the peer, and reading is not undone.
fn read_by_peer(
    tx: &WriteTx<'_>,
    conversation: i64,
    statuses: &[(MessageId, u8)],
) -> Result<(), DbError> {
    let mut statement = tx.prepare_cached(
        "UPDATE message SET state = ?3, error = NULL,
           expires_at = coalesce(expires_at, ?4 + expires_in * 1000)
         WHERE mimi_id = ?1 AND conversation = ?2 AND state IN (0, 1, 2, 3) AND kind <> 1
         RETURNING id",
    )?;
    let mut changed = Vec::new();
    for (message, status) in statuses {
        if *status == STATUS_READ {
            let read = params![
                message,
                conversation,
                MessageState::Read as i64,
                tx.clock_now_ms()
            ];
            let id: Option<i64> = statement.query_row(read, |row| row.get(0)).optional()?;
            changed.extend(id);
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    announce(tx, conversation, changed)
}

fn reacted(
    tx: &WriteTx<'_>,
    event: &Event<'_>,
    early: &mut Early,
    emoji: &[String],
    replaces: Option<MessageId>,
) -> Result<(), DbError> {
    let Some(target) = &event.content.in_reply_to else {
        return Ok(());
    };
    if let Some(replaced) = &replaces {
        withdraw(tx, replaced, false)?;
        if Target::by_mimi_id(tx, event.conversation, replaced)?.is_none() {
            early.keep(tx, event, replaced)?;
        }
    }
    let Some(target) = Target::by_mimi_id(tx, event.conversation, target)? else {
        return early.keep(tx, event, target);
    };
    if !target.is_there() {
        return Ok(());
    }
    let first = replaces.as_ref().unwrap_or(event.mimi_id);
    for emoji in emoji {
        react(tx, target.id, false, emoji, first)?;
    }
    announce(tx, event.conversation, vec![target.id])
}

/// Adds a reaction, unless there are too many of the same person.
pub(super) fn react(
    tx: &WriteTx<'_>,
    message: i64,
    mine: bool,
    emoji: &str,
    first: &MessageId,
) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO reaction (message, mine, emoji, mimi_id) SELECT ?1, ?2, ?3, ?4
         WHERE (SELECT count(*) FROM reaction WHERE message = ?1 AND mine = ?2) < ?5
         ON CONFLICT (message, mine, emoji) DO UPDATE SET mimi_id = ?4",
    )?
    .execute(params![message, mine, emoji, first, MAX_REACTIONS])?;
    Ok(())
}

/// Withdraws what a reaction of this person brought; `true` where there was something.
pub(super) fn withdraw(
    tx: &WriteTx<'_>,
    reaction: &MessageId,
    mine: bool,
) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached(
        "DELETE FROM reaction WHERE mimi_id = ?1 AND mine = ?2
         RETURNING message, (SELECT conversation FROM message WHERE id = reaction.message)",
    )?;
    let of = statement
        .query_map(params![reaction, mine], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<Vec<(i64, i64)>, _>>()?;
    for (message, conversation) in &of {
        announce(tx, *conversation, vec![*message])?;
    }
    Ok(!of.is_empty())
}

fn taken_back(
    tx: &WriteTx<'_>,
    event: &Event<'_>,
    early: &mut Early,
    target: &MessageId,
) -> Result<(), DbError> {
    if withdraw(tx, target, false)? {
        return Ok(());
    }
    let Some(target) = Target::by_mimi_id(tx, event.conversation, target)? else {
        return early.keep(tx, event, target);
    };
    if target.kind == super::Kind::Event as i64 {
        return early::withdraw(tx, &target.mimi_id);
    }
    // Nobody takes back what the other one said.
    if target.is_mine() || !target.is_there() {
        return Ok(());
    }
    erase(tx, event.conversation, target.id, Trace::Deleted)
}

fn edited(
    tx: &WriteTx<'_>,
    event: &Event<'_>,
    early: &mut Early,
    target: &MessageId,
    text: Option<&str>,
) -> Result<(), DbError> {
    let Some(target) = Target::by_mimi_id(tx, event.conversation, target)? else {
        return early.keep(tx, event, target);
    };
    if target.is_mine() {
        return Ok(());
    }
    edit(tx, &target, event.place, text)
}

/// Gives a message another text; one that was overtaken by a later edit goes among the earlier
/// texts.
pub(super) fn edit(
    tx: &WriteTx<'_>,
    target: &Target,
    place: i64,
    text: Option<&str>,
) -> Result<(), DbError> {
    if !target.is_there() {
        return Ok(());
    }
    let now = tx.clock_now_ms();
    if target.edited_by.is_some_and(|by| by >= place) {
        keep_text(tx, target.id, place, now, text)?;
    } else {
        let (since, by) = match (target.edited_at, target.edited_by) {
            (Some(at), Some(by)) => (at, by),
            _ => (target.at, target.id),
        };
        keep_text(tx, target.id, by, since, target.text.as_deref())?;
        tx.prepare_cached(
            "UPDATE message SET text = ?2, edited_at = ?3, edited_by = ?4 WHERE id = ?1",
        )?
        .execute(params![target.id, text, now, place])?;
    }
    announce(tx, target.conversation, vec![target.id])
}

fn keep_text(
    tx: &WriteTx<'_>,
    message: i64,
    place: i64,
    at: u64,
    text: Option<&str>,
) -> Result<(), DbError> {
    tx.prepare_cached(
        "INSERT INTO edit (message, place, at, text) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?
    .execute(params![message, place, at, text])?;
    tx.prepare_cached(
        "DELETE FROM edit WHERE message = ?1 AND place <=
           (SELECT place FROM edit WHERE message = ?1 ORDER BY place DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![message, MAX_EDITS])?;
    Ok(())
}
