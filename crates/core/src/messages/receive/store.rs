//! What content becomes: a message, or something that is said of one (docs/protocol.md §5).

use super::Refusal;
use super::pass::Pass;
use crate::db::DbError;
use crate::inbox;
use crate::messages::compose::{NewMessage, insert};
use crate::messages::content::{Event, Expiry, Kind, by_peer, expiry_of, resolved, text_of};
use crate::messages::{MessageState, attach, place};
use sotto_wire::content::{self, Body, Content, Expires, MessageId};
use sotto_wire::conversation::ConversationId;

/// What was stored.
#[derive(Default)]
pub(super) struct Stored {
    /// Its place among the messages; `None` where the very same content is stored already.
    pub(super) place: Option<i64>,
    /// It is a message that is shown.
    pub(super) shown: bool,
}

/// Content that is being stored.
struct New<'a> {
    conversation: i64,
    place: i64,
    mimi_id: MessageId,
    content: &'a Content,
    bytes: &'a [u8],
    certificate: &'a [u8],
}

impl Pass<'_, '_> {
    /// Stores content.
    pub(super) fn store(
        &mut self,
        group_id: &[u8],
        seq: u64,
        bytes: &[u8],
        certificate: &[u8],
    ) -> Result<Stored, Refusal> {
        let tx = self.tx;
        let reader = self.reader(group_id)?;
        let (conversation, device) = (reader.conversation, reader.device);
        let later = match reader.later_message(seq) {
            Some(later) => Some(later),
            None => reader.later_in_replaced(tx, seq)?,
        };
        let malformed = |_| Refusal::Envelope("content.malformed");
        let content = Content::decode(bytes).map_err(malformed)?;
        let sender = self.sender(device)?;
        let id = ConversationId::of(&self.own.did, &sender);
        let mimi_id = content::message_id(&sender, &id, bytes).map_err(malformed)?;
        let place = match later {
            Some((distance, later)) => place::before(tx, later, distance)?,
            None => self.next_place()?,
        };
        let new = New {
            conversation,
            place,
            mimi_id,
            content: &content,
            bytes,
            certificate,
        };
        let shown = !is_event(&content);
        let stored = if shown {
            self.store_message(&new, later.is_none())?
        } else {
            self.store_event(&new)?
        };
        // It may have been sealed anew, under another number, after it seemed lost.
        if !stored {
            inbox::met_again(self.tx, conversation, &mimi_id)?;
            return Ok(Stored::default());
        }
        self.early.arrived(self.tx, conversation, &mimi_id)?;
        Ok(Stored {
            place: Some(place),
            shown,
        })
    }

    fn store_message(&mut self, new: &New<'_>, is_last: bool) -> Result<bool, DbError> {
        let expiry = expiry_of(new.content.expires);
        let over = expiry.at.is_some_and(|at| at <= self.tx.clock_now_ms());
        let reply_to = match new.content.in_reply_to.filter(|_| !over) {
            Some(id) => Some(resolved(self.tx, new.conversation, id)?),
            None => None,
        };
        let message = NewMessage {
            kind: if over { Kind::Gone } else { Kind::Shown },
            state: MessageState::Received,
            content: if over { &[] } else { new.bytes },
            text: text_of(&new.content.body).filter(|_| !over),
            unread: !over,
            reply_to: reply_to.as_ref(),
            expiry: if over { Expiry::default() } else { expiry },
            ..row(new)
        };
        if !insert(self.tx, &message)? {
            return Ok(false);
        }
        if let (Body::Attachments { parts, .. }, false) = (&new.content.body, over) {
            attach::received(self.tx, new.place, parts)?;
        }
        if is_last && !matches!(new.content.expires, Some(Expires::At(_))) {
            self.note_timer(new.conversation, expiry.after);
        }
        self.note_message(new.conversation, new.place);
        Ok(true)
    }

    fn store_event(&mut self, new: &New<'_>) -> Result<bool, DbError> {
        let event = Event {
            conversation: new.conversation,
            mimi_id: &new.mimi_id,
            place: new.place,
            content: new.content,
            bytes: new.bytes,
        };
        // Only that it was here is kept of it.
        let message = NewMessage {
            kind: Kind::Event,
            state: MessageState::Received,
            content: &[],
            reply_to: new
                .content
                .replaces
                .as_ref()
                .filter(|_| is_edit(new.content)),
            ..row(new)
        };
        let added = insert(self.tx, &message)?;
        // Edits that were sealed anew (§3.6) come once more, and in the order that counts.
        if added || is_edit(new.content) {
            by_peer(self.tx, &event, &mut self.early)?;
        }
        Ok(added)
    }
}

fn row<'a>(new: &'a New<'_>) -> NewMessage<'a> {
    NewMessage::own(
        new.place,
        new.conversation,
        &new.mimi_id,
        new.bytes,
        new.certificate,
    )
}

fn is_edit(content: &Content) -> bool {
    content.replaces.is_some() && !matches!(content.body, Body::Reaction(_) | Body::Delete { .. })
}

/// Whether content says something of other messages, and nothing by itself.
fn is_event(content: &Content) -> bool {
    content.replaces.is_some()
        || matches!(
            content.body,
            Body::Reaction(_) | Body::Delete { .. } | Body::Status(_)
        )
}
