//! What was just queued for an attached device, handed over so that its socket need not ask the store
//! for it. Only a shortcut: where anything is missing, the store is asked.

use std::sync::{Mutex, PoisonError};

use crate::store::queue::Queued;

/// Bytes of messages that wait for a socket; what is more is asked of the store.
const ROOM: usize = 64 * 1024;

/// Messages of a device's queue that are still to be sent.
#[derive(Default)]
pub(crate) struct Fresh(Mutex<Waiting>);

/// What there is for a socket.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Nothing.
    Nothing,
    /// The messages that follow what was sent.
    Next(Vec<Queued>),
    /// Something that does not follow, or more than may be sent: the store knows.
    Gap,
}

#[derive(Default)]
struct Waiting {
    messages: Vec<Queued>,
    bytes: usize,
    /// Something had no room.
    missing: bool,
}

impl Fresh {
    /// Adds a committed message.
    pub(super) fn push(&self, queued: Queued) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.bytes += queued.body.len();
        if waiting.bytes > ROOM {
            waiting.missing = true;
            waiting.messages.clear();
        } else {
            waiting.messages.push(queued);
        }
    }

    /// Takes everything, for a socket that was sent what is up to position `sent` and may be sent
    /// `room` messages more.
    pub(crate) fn take(&self, sent: i64, room: usize) -> Taken {
        let waiting = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *waiting)
        };
        let mut messages = waiting.messages;
        messages.retain(|it| it.seq > sent);
        let follow = messages.iter().zip(1..).all(|(it, n)| it.seq == sent + n);
        match messages.len() {
            _ if waiting.missing || !follow => Taken::Gap,
            0 => Taken::Nothing,
            more if more > room => Taken::Gap,
            _ => Taken::Next(messages),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fresh, ROOM, Taken};
    use crate::store::queue::Queued;

    fn queued(seq: i64, bytes: usize) -> Queued {
        Queued {
            seq,
            mailbox: String::new(),
            message_id: String::new(),
            sender: None,
            sender_key: None,
            body: vec![0; bytes],
        }
    }

    /// The positions of what is next; nothing where the store has to be asked.
    fn taken(fresh: &Fresh, sent: i64) -> Option<Vec<i64>> {
        match fresh.take(sent, 10) {
            Taken::Nothing => Some(Vec::new()),
            Taken::Next(messages) => Some(messages.iter().map(|it| it.seq).collect()),
            Taken::Gap => None,
        }
    }

    #[test]
    fn what_follows_is_taken_once_and_what_was_sent_is_passed_over() {
        let fresh = Fresh::default();
        (3..=5).for_each(|seq| fresh.push(queued(seq, 1)));
        assert_eq!(taken(&fresh, 3), Some(vec![4, 5]));
        assert_eq!(taken(&fresh, 5), Some(vec![]));
    }

    #[test]
    fn the_store_is_asked_beyond_a_gap() {
        let fresh = Fresh::default();
        fresh.push(queued(3, 1));
        assert_eq!(taken(&fresh, 1), None);
        for seq in [4, 6] {
            fresh.push(queued(seq, 1));
        }
        assert_eq!(taken(&fresh, 3), None);
        fresh.push(queued(7, 1));
        assert_eq!(taken(&fresh, 6), Some(vec![7]));
    }

    #[test]
    fn the_store_is_asked_for_what_is_too_much() {
        let fresh = Fresh::default();
        (1..=3).for_each(|seq| fresh.push(queued(seq, ROOM / 2)));
        assert_eq!(taken(&fresh, 0), None, "the third had no room");
        (1..=11).for_each(|seq| fresh.push(queued(seq, 1)));
        assert_eq!(taken(&fresh, 0), None, "more than the window allows");
    }
}
