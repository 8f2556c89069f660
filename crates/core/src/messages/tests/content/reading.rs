//! That messages were read, and that something is being written.

use super::*;
use crate::messages::content::{Receipts, receipts, set_receipts};
use crate::messages::{history, seal};
use sotto_wire::content::STATUS_READ;

impl Party {
    fn reads(&self, with: &Party) {
        let id = id(self, with);
        self.write(move |tx| history::mark_read(tx, &id));
    }

    fn tells(&self, read: bool, typing: bool) {
        self.write(move |tx| set_receipts(tx, Receipts { read, typing }));
    }

    fn states(&self, with: &Party) -> Vec<MessageState> {
        self.messages(with).iter().map(|it| it.state).collect()
    }

    fn types(&self, to: &Party) -> Vec<crate::outbox::Put> {
        let id = id(self, to);
        self.write(move |tx| seal::typing(tx, &id))
    }
}

#[test]
fn the_author_sees_that_messages_were_read() {
    let (mut alice, mut bob) = acquainted();
    alice.say(&bob, "second");
    settle(&mut alice, &mut bob);
    bob.reads(&alice);
    assert_eq!(
        bob.count("SELECT count(*) FROM outbox"),
        1,
        "one report for all"
    );
    settle(&mut alice, &mut bob);
    assert_eq!(alice.states(&bob), [MessageState::Read; 2]);
    assert_eq!(bob.count("SELECT unread FROM conversation"), 0);
    bob.reads(&alice);
    assert_eq!(bob.count("SELECT count(*) FROM outbox"), 0, "and only once");
    alice.say(&bob, "third");
    settle(&mut alice, &mut bob);
    assert_eq!(alice.states(&bob)[2], MessageState::Delivered);
}

#[test]
fn a_report_names_a_hundred_messages_at_most() {
    let (mut alice, mut bob) = acquainted();
    for n in 0..204 {
        alice.say(&bob, &n.to_string());
    }
    settle(&mut alice, &mut bob);
    bob.reads(&alice);
    assert_eq!(bob.count("SELECT count(*) FROM outbox"), 3);
    settle(&mut alice, &mut bob);
    let all = alice
        .states(&bob)
        .iter()
        .all(|it| *it == MessageState::Read);
    assert!(all);
}

#[test]
fn nobody_who_does_not_want_it_tells() {
    let (mut alice, mut bob) = acquainted();
    let as_installed = bob.read(|tx| receipts(tx));
    assert_eq!(
        as_installed,
        Receipts {
            read: true,
            typing: false
        }
    );
    assert!(bob.types(&alice).is_empty());
    bob.tells(false, false);
    bob.reads(&alice);
    settle(&mut alice, &mut bob);
    assert_eq!(alice.states(&bob), [MessageState::Delivered]);
    assert_eq!(bob.count("SELECT count(*) FROM message WHERE kind = 1"), 0);
    bob.tells(true, false);
    bob.reads(&alice);
    settle(&mut alice, &mut bob);
    assert_eq!(
        alice.states(&bob),
        [MessageState::Delivered],
        "what is read is not told later"
    );
}

#[test]
fn read_stays_read() {
    let (mut alice, mut bob) = acquainted();
    let second = alice.say(&bob, "second");
    let sealed = alice.seal(&bob).remove(0);
    bob.queue.push(alice.delivery(&sealed));
    bob.receive();
    bob.reads(&alice);
    // The report comes before the relay has said that it took the message.
    bob.send(&mut alice);
    alice.receive();
    assert_eq!(alice.states(&bob)[1], MessageState::Read);
    alice.settle(&sealed, crate::outbox::PutResult::Accepted);
    settle(&mut alice, &mut bob);
    let conversation = alice.count("SELECT id FROM conversation");
    alice.write(move |tx| crate::messages::renew::retire(tx, conversation));
    alice.write(move |tx| crate::messages::retry(tx, second));
    settle(&mut alice, &mut bob);
    assert_eq!(alice.states(&bob)[1], MessageState::Read);
    let theirs = mimi_id(&alice, second);
    bob.tell(
        &alice,
        Content::new(Body::Status(vec![(theirs, 1)]), &OsRandom),
    );
    settle(&mut alice, &mut bob);
    assert_eq!(alice.states(&bob)[1], MessageState::Read);
}

#[test]
fn a_read_report_of_a_deleted_message_brings_nothing_back() {
    let (mut alice, mut bob) = acquainted();
    let hello = place(&alice, &bob, "hello");
    let known = mimi_id(&alice, hello);
    alice.delete(hello, false);
    bob.tell(
        &alice,
        Content::new(Body::Status(vec![(known, STATUS_READ)]), &OsRandom),
    );
    settle(&mut alice, &mut bob);
    assert!(alice.messages(&bob).is_empty());
}

#[test]
fn typing_is_told_at_once_or_never_and_stored_nowhere() {
    let (mut alice, mut bob) = acquainted();
    alice.tells(true, true);
    let puts = alice.types(&bob);
    assert_eq!(puts.len(), 1);
    assert_eq!(alice.count("SELECT count(*) FROM put"), 0);
    bob.queue.push(alice.delivery(&puts[0]));
    bob.queue.push(alice.delivery(&puts[0]));
    assert_eq!(bob.receive(), [Outcome::Typing, Outcome::Duplicate]);
    assert_eq!(bob.count("SELECT count(*) FROM message"), 1);
    // What waits goes first.
    alice.say(&bob, "second");
    assert!(alice.types(&bob).is_empty());
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "second"]);
    assert_eq!(alice.types(&bob).len(), 1);
    // And lost ones leave no gap.
    for _ in 0..5 {
        alice.types(&bob);
    }
    alice.say(&bob, "third");
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "second", "third"]);
}

#[test]
fn a_peer_who_is_held_back_is_told_nothing() {
    let (alice, bob) = acquainted();
    alice.tells(true, true);
    let did = bob.own.did.clone();
    let hold = crate::db::holds::Hold {
        code: "account.key_changed".into(),
        key: None,
    };
    alice.write(move |tx| crate::db::holds::refuse(tx, &did, &hold));
    assert!(alice.types(&bob).is_empty());
}
