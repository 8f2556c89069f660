//! From committed changes to events of the user interface.

use crate::db::Change;
use crate::views::AppEvent;
use sotto_wire::conversation::ConversationId;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

/// Changes that close together are told together: a backlog of hundreds of messages comes as a
/// few events, and a single message is not held up for longer than a frame of the screen.
const TOGETHER: Duration = Duration::from_millis(15);

/// A subscription to what changes.
pub struct Events(pub(super) broadcast::Receiver<AppEvent>);

impl Events {
    /// The next event; [`AppEvent::Overflowed`] where some were lost. `None` when the app is gone.
    pub async fn next(&mut self) -> Option<AppEvent> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(_)) => Some(AppEvent::Overflowed),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Passes the database's changes on until it is closed.
pub(super) async fn forward(
    mut changes: broadcast::Receiver<Change>,
    events: &broadcast::Sender<AppEvent>,
) {
    loop {
        let mut gathered = Gathered::default();
        match changes.recv().await {
            Ok(change) => gathered.add(change),
            Err(RecvError::Lagged(_)) => gathered.overflowed = true,
            Err(RecvError::Closed) => return,
        }
        tokio::time::sleep(TOGETHER).await;
        loop {
            match changes.try_recv() {
                Ok(change) => gathered.add(change),
                Err(TryRecvError::Lagged(_)) => gathered.overflowed = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        for event in gathered.events() {
            // Nobody listening is no failure.
            let _ = events.send(event);
        }
    }
}

#[derive(Default)]
struct Gathered {
    overflowed: bool,
    account: bool,
    requests: bool,
    conversations: BTreeSet<ConversationId>,
    messages: BTreeMap<ConversationId, BTreeSet<i64>>,
}

impl Gathered {
    fn add(&mut self, change: Change) {
        match change {
            Change::Conversations(ids) => self.conversations.extend(ids),
            Change::Messages { conversation, ids } => {
                self.messages.entry(conversation).or_default().extend(ids);
            }
            Change::Account => self.account = true,
            Change::Requests => self.requests = true,
            Change::Outbox => {}
        }
    }

    fn events(self) -> Vec<AppEvent> {
        if self.overflowed {
            return vec![AppEvent::Overflowed];
        }
        let mut events = Vec::new();
        if self.account {
            events.push(AppEvent::State);
        }
        if self.requests {
            events.push(AppEvent::Requests);
        }
        for (conversation, ids) in self.messages {
            let (conversation_id, ids) = (conversation.hex(), ids.into_iter().collect());
            events.push(AppEvent::Messages {
                conversation_id,
                ids,
            });
        }
        if !self.conversations.is_empty() {
            let ids = self.conversations.into_iter().map(|id| id.hex()).collect();
            events.push(AppEvent::Conversations { ids });
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> ConversationId {
        ConversationId::from_bytes([byte; 32])
    }

    #[test]
    fn changes_are_told_once() {
        let mut gathered = Gathered::default();
        for n in [2, 1, 2] {
            gathered.add(Change::Messages {
                conversation: id(1),
                ids: vec![n],
            });
            gathered.add(Change::Conversations(vec![id(1)]));
            gathered.add(Change::Outbox);
        }
        let expected = [
            AppEvent::Messages {
                conversation_id: id(1).hex(),
                ids: vec![1, 2],
            },
            AppEvent::Conversations {
                ids: vec![id(1).hex()],
            },
        ];
        assert_eq!(gathered.events(), expected);
    }

    #[test]
    fn after_a_loss_everything_is_read_again() {
        let mut gathered = Gathered {
            overflowed: true,
            ..Gathered::default()
        };
        gathered.add(Change::Conversations(vec![id(1)]));
        assert_eq!(gathered.events(), [AppEvent::Overflowed]);
    }

    #[tokio::test]
    async fn a_slow_listener_is_told_that_it_missed_something() {
        let (sender, receiver) = broadcast::channel(2);
        let mut events = Events(receiver);
        for _ in 0..5 {
            sender.send(AppEvent::State).unwrap();
        }
        assert_eq!(events.next().await, Some(AppEvent::Overflowed));
        assert_eq!(events.next().await, Some(AppEvent::State));
        drop(sender);
        assert_eq!(events.next().await, Some(AppEvent::State));
        assert_eq!(events.next().await, None);
    }
}
