//! From what is stored to what is shown.

use super::errors::shown;
use crate::account::secrets::Current;
use crate::attachments::sniff;
use crate::db::Peer;
use crate::db::attachments::{self, Attachment};
use crate::messages::content::Edit;
use crate::messages::history::{File, Reaction, Reply};
use crate::messages::requests::Request;
use crate::messages::{self, Conversation, Message};
use crate::views::{
    AccountView, AttachmentState, AttachmentView, ConversationView, EditView, ErrorView, FileView,
    HoldView, IncomingPolicy, Level, MessageState, MessageView, PeerView, ReactionView, ReplyView,
    RequestMessageView, RequestView,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sotto_identity::verify;
use sotto_wire::attachment::PIECE;
use sotto_wire::claim::Incoming;

/// A picture as the web view takes it: it has no network.
pub(super) fn data_url(mime: &str, bytes: &[u8]) -> String {
    format!("data:{mime};base64,{}", STANDARD.encode(bytes))
}

pub(super) fn peer(peer: &Peer) -> PeerView {
    let did = peer.pin.did.to_string();
    PeerView {
        handle: peer.handle.clone().unwrap_or_else(|| did.clone()),
        did,
        display_name: peer.display_name.clone(),
        avatar: peer
            .avatar
            .as_ref()
            .map(|(mime, bytes)| data_url(mime, bytes)),
        level: level(peer),
    }
}

fn level(peer: &Peer) -> Level {
    match peer.pin.level {
        _ if peer.is_confirmed() => Level::Confirmed,
        verify::Level::Vended => Level::Vended,
        verify::Level::Anchored => Level::Anchored,
    }
}

/// `profile` is the own account's row among the peers.
pub(super) fn account(
    current: &Current,
    profile: Option<&Peer>,
    relay: Option<String>,
    words_due: bool,
) -> AccountView {
    let avatar = profile.and_then(|peer| peer.avatar.as_ref());
    AccountView {
        did: current.did.to_string(),
        handle: current.handle.clone(),
        display_name: profile.and_then(|peer| peer.display_name.clone()),
        avatar: avatar.map(|(mime, bytes)| data_url(mime, bytes)),
        relay,
        words_due,
    }
}

/// `typing`: the peer is writing something at this moment.
pub(super) fn conversation(conversation: &Conversation, typing: bool) -> ConversationView {
    let last = conversation.last.as_ref();
    ConversationView {
        id: conversation.id.hex(),
        peer: peer(&conversation.peer),
        preview: last.and_then(|message| message.text.clone()),
        preview_file: conversation.file.as_ref().map(file),
        preview_mine: last.is_some_and(Message::mine),
        preview_state: last.map(|message| state(message.state)),
        last_at: last.map(|message| signed(message.at)),
        unread: conversation.unread,
        draft: conversation.draft.clone(),
        hold: conversation
            .hold
            .as_ref()
            .map(|(hold, confirmed)| HoldView {
                code: hold.code.clone(),
                key: hold.key.map(|key| key.to_did_key()),
                confirmed: *confirmed,
            }),
        preview_deleted: last.is_some_and(|message| message.deleted),
        timer: conversation.timer,
        typing,
    }
}

pub(super) fn request(request: &Request) -> RequestView {
    let message = |(text, at): &(Option<String>, u64)| RequestMessageView {
        text: text.clone(),
        at: signed(*at),
    };
    // They may be known: the user may have looked this account up. They are still a stranger's.
    let peer = PeerView {
        display_name: None,
        avatar: None,
        ..peer(&request.peer)
    };
    RequestView {
        id: request.id.hex(),
        peer,
        messages: request.messages.iter().map(message).collect(),
        since: signed(request.since),
    }
}

pub(super) fn policy(incoming: Incoming) -> IncomingPolicy {
    match incoming {
        Incoming::None => IncomingPolicy::None,
        Incoming::Following => IncomingPolicy::Following,
        Incoming::Everyone => IncomingPolicy::Everyone,
    }
}

/// `waits_for` is why nothing can be sent to the peer yet.
pub(super) fn message(
    message: &Message,
    attachments: &[Attachment],
    waits_for: Option<&str>,
) -> MessageView {
    let waiting = message.state == messages::MessageState::Sending;
    let code = message.error.as_deref().or(waits_for.filter(|_| waiting));
    MessageView {
        id: message.id,
        conversation_id: message.conversation.hex(),
        mine: message.mine(),
        text: message.text.clone(),
        sent_at: signed(message.at),
        state: state(message.state),
        error: code.map(|code| ErrorView::new(shown(code))),
        notice: message.notice.clone(),
        attachments: attachments.iter().map(attachment).collect(),
        waits_for_file: attachments.iter().any(Attachment::is_awaited),
        reply_to: message.reply_to.as_ref().map(reply),
        reactions: message.reactions.iter().map(reaction).collect(),
        edited_at: message.edited_at.map(signed),
        deleted: message.deleted,
        expires_in: message.expires_in,
        expires_at: message.expires_at.map(signed),
    }
}

fn reply(reply: &Reply) -> ReplyView {
    ReplyView {
        message_id: reply.message,
        mine: reply.mine,
        text: reply.text.clone(),
        file: reply.file.as_ref().map(file),
    }
}

fn file(file: &File) -> FileView {
    FileView {
        name: file.name.clone(),
        mime: file.mime.clone(),
    }
}

fn reaction(reaction: &Reaction) -> ReactionView {
    ReactionView {
        emoji: reaction.emoji.clone(),
        mine: reaction.mine,
        peer: reaction.peer,
    }
}

pub(super) fn edit(edit: &Edit) -> EditView {
    EditView {
        at: signed(edit.at),
        text: edit.text.clone(),
    }
}

fn attachment(attachment: &Attachment) -> AttachmentView {
    let thumbnail = attachment.thumbnail.as_ref();
    let whole = u64::from(attachment.done).saturating_mul(PIECE as u64);
    AttachmentView {
        index: attachment.place,
        name: attachment.name.clone(),
        mime: attachment.mime.clone(),
        size: attachment.size,
        dangerous: sniff::is_dangerous(&attachment.name, &attachment.mime),
        state: attachment_state(attachment),
        done: match attachment.state {
            attachments::AttachmentState::Here => attachment.size,
            _ => whole.min(attachment.size),
        },
        error: attachment.error.as_deref().map(ErrorView::new),
        thumbnail: thumbnail.map(|it| data_url("image/jpeg", &it.jpeg)),
        width: thumbnail.map(|it| it.width),
        height: thumbnail.map(|it| it.height),
    }
}

fn attachment_state(attachment: &Attachment) -> AttachmentState {
    let waits = attachment.failures > 0;
    match attachment.state {
        attachments::AttachmentState::Reading
        | attachments::AttachmentState::Uploading
        | attachments::AttachmentState::Downloading
            if waits =>
        {
            AttachmentState::Waiting
        }
        attachments::AttachmentState::Reading | attachments::AttachmentState::Uploading => {
            AttachmentState::Uploading
        }
        attachments::AttachmentState::Remote => AttachmentState::Remote,
        attachments::AttachmentState::Downloading => AttachmentState::Downloading,
        attachments::AttachmentState::Here => AttachmentState::Here,
        attachments::AttachmentState::Failed => AttachmentState::Failed,
        attachments::AttachmentState::Gone => AttachmentState::Gone,
    }
}

fn state(state: messages::MessageState) -> MessageState {
    match state {
        messages::MessageState::Sending => MessageState::Sending,
        messages::MessageState::Sent => MessageState::Sent,
        messages::MessageState::Delivered => MessageState::Delivered,
        messages::MessageState::Failed => MessageState::Failed,
        messages::MessageState::Received => MessageState::Received,
        messages::MessageState::Read => MessageState::Read,
    }
}

pub(super) fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Party, TestClock};

    #[test]
    fn a_compared_key_stands_above_every_other_level() {
        let mut stored = Party::new("bob", &TestClock::new()).peer();
        for (level, expected) in [
            (verify::Level::Vended, Level::Vended),
            (verify::Level::Anchored, Level::Anchored),
        ] {
            stored.pin.level = level;
            stored.confirmed_at = None;
            assert_eq!(peer(&stored).level, expected);
            stored.confirmed_at = Some(1);
            assert_eq!(peer(&stored).level, Level::Confirmed);
        }
    }
}
