//! What a committed write has changed: ids only, to be read again.

use sotto_wire::conversation::ConversationId;

/// One announcement. It leaves after the commit, never on a rollback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These conversations: a new one, its preview, its unread count, its peer.
    Conversations(Vec<ConversationId>),
    /// These messages of one conversation.
    Messages {
        /// The conversation.
        conversation: ConversationId,
        /// Ids of the messages, ascending.
        ids: Vec<i64>,
    },
    /// There is something to seal or to put.
    Outbox,
    /// Message requests, or the policy for them.
    Requests,
    /// The own account.
    Account,
}

/// Folds what one write gathered into as few announcements as possible.
pub(crate) fn merge(gathered: Vec<Change>) -> Vec<Change> {
    let mut conversations = Vec::new();
    let mut messages: Vec<(ConversationId, Vec<i64>)> = Vec::new();
    let (mut outbox, mut account, mut requests) = (false, false, false);
    for change in gathered {
        match change {
            Change::Conversations(ids) => conversations.extend(ids),
            Change::Messages { conversation, ids } => {
                match messages
                    .iter_mut()
                    .find(|(known, _)| *known == conversation)
                {
                    Some((_, known)) => known.extend(ids),
                    None => messages.push((conversation, ids)),
                }
            }
            Change::Outbox => outbox = true,
            Change::Account => account = true,
            Change::Requests => requests = true,
        }
    }
    conversations.sort_unstable();
    conversations.dedup();
    let mut merged: Vec<Change> = messages
        .into_iter()
        .map(|(conversation, mut ids)| {
            ids.sort_unstable();
            ids.dedup();
            Change::Messages { conversation, ids }
        })
        .collect();
    if !conversations.is_empty() {
        merged.push(Change::Conversations(conversations));
    }
    if requests {
        merged.push(Change::Requests);
    }
    if account {
        merged.push(Change::Account);
    }
    if outbox {
        merged.push(Change::Outbox);
    }
    merged
}
