//! Messages that disappear, and clocks that cannot be trusted.

use super::*;
use crate::messages::content::{MAX_TIMER, next_expiry, set_timer, sweep};
use crate::messages::history;
use sotto_wire::content::Expires;

const SECOND: u64 = 1000;
const DAY: u64 = 24 * 60 * 60 * SECOND;

impl Party {
    fn timer(&self, with: &Party, seconds: Option<u32>) {
        let id = id(self, with);
        self.write(move |tx| set_timer(tx, &id, seconds));
    }

    fn timer_is(&self, with: &Party) -> Option<u32> {
        let id = id(self, with);
        self.read(move |tx| history::conversation(tx, &id))
            .unwrap()
            .timer
    }

    fn sweep(&self) {
        while self.write(sweep) {}
    }

    fn has_read(&self, with: &Party) {
        let id = id(self, with);
        self.write(move |tx| history::mark_read(tx, &id));
    }

    fn after(&self, ms: u64, with: &Party) -> Vec<String> {
        self.clock.advance_ms(ms);
        self.sweep();
        self.texts(with)
    }
}

#[test]
fn at_the_author_time_runs_from_sending_at_the_reader_from_reading() {
    let (mut alice, mut bob) = acquainted();
    alice.timer(&bob, Some(60));
    alice.say(&bob, "soon gone");
    assert_eq!(alice.after(DAY, &bob).len(), 2, "not before it is sent");
    assert_eq!(alice.last(&bob).expires_in, Some(60));
    assert_eq!(alice.last(&bob).expires_at, None);
    settle(&mut alice, &mut bob);
    let sent = alice.clock_ms();
    assert_eq!(alice.last(&bob).expires_at, Some(sent + 60 * SECOND));
    assert_eq!(alice.read(next_expiry), Some(sent + 60 * SECOND));
    assert_eq!(alice.after(60 * SECOND - 1, &bob).len(), 2);
    assert_eq!(alice.after(1, &bob), ["hello"]);
    assert_eq!(bob.after(DAY, &alice).len(), 2, "not before it is read");
    assert_eq!(bob.last(&alice).expires_at, None);
    bob.has_read(&alice);
    assert_eq!(
        bob.last(&alice).expires_at,
        Some(bob.clock_ms() + 60 * SECOND)
    );
    assert_eq!(bob.after(60 * SECOND, &alice), ["hello"]);
    for party in [&alice, &bob] {
        assert_eq!(holds(party, "soon gone"), 0);
        assert_eq!(party.read(next_expiry), None);
    }
}

#[test]
fn what_disappears_takes_everything_with_it_and_says_so() {
    let (mut alice, mut bob) = acquainted();
    alice.timer(&bob, Some(60));
    let message = alice.say(&bob, "first");
    alice.edit(message, "second");
    alice.react(message, Some("❤"));
    settle(&mut alice, &mut bob);
    bob.has_read(&alice);
    settle(&mut alice, &mut bob);
    let mut changes = bob.db().changes();
    bob.clock.advance_ms(60 * SECOND);
    bob.sweep();
    let told = std::iter::from_fn(|| changes.try_recv().ok());
    let told = told.filter(|it| matches!(it, crate::db::Change::Messages { .. }));
    assert_eq!(told.count(), 1);
    alice.sweep();
    for (party, other) in [(&alice, &bob), (&bob, &alice)] {
        assert_eq!(party.texts(other), ["hello"]);
        assert_eq!(party.count("SELECT count(*) FROM edit"), 0);
        assert_eq!(party.count("SELECT count(*) FROM reaction"), 0);
        for text in ["first", "second"] {
            assert_eq!(holds(party, text), 0, "{text}");
        }
    }
}

#[test]
fn what_ran_out_while_nothing_ran_is_gone_before_anything_is_shown() {
    let (mut alice, mut bob) = acquainted();
    alice.timer(&bob, Some(1));
    for n in 0..300 {
        alice.say(&bob, &n.to_string());
    }
    settle(&mut alice, &mut bob);
    bob.has_read(&alice);
    bob.clock.advance_ms(DAY);
    bob.reopen();
    assert_eq!(bob.texts(&alice), ["hello"]);
    // And what comes once more does not come back.
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello"]);
}

#[test]
fn an_absolute_time_counts_read_or_not() {
    let (mut alice, mut bob) = acquainted();
    let now = u32::try_from(bob.clock_ms() / SECOND).unwrap();
    let until = |time, text: &str| Content {
        expires: Some(Expires::At(time)),
        ..Content::text(text, &OsRandom)
    };
    alice.tell(&bob, until(now + 60, "later"));
    alice.tell(&bob, until(now - 1, "too late"));
    alice.tell(&bob, until(0, "long ago"));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "later"]);
    assert_eq!(bob.count("SELECT unread FROM conversation"), 2);
    assert_eq!(holds(&bob, "too late"), 0);
    assert_eq!(bob.after(61 * SECOND, &alice), ["hello"]);
    assert_eq!(bob.count("SELECT unread FROM conversation"), 1);
    assert_eq!(bob.timer_is(&alice), None, "that is no timer");
}

#[test]
fn times_are_kept_within_reason() {
    let (mut alice, mut bob) = acquainted();
    for (seconds, expected) in [(0, 1), (u32::MAX, MAX_TIMER)] {
        let content = Content {
            expires: Some(Expires::After(seconds)),
            ..Content::text("x", &OsRandom)
        };
        alice.tell(&bob, content);
        settle(&mut alice, &mut bob);
        assert_eq!(bob.last(&alice).expires_in, Some(expected));
        assert_eq!(bob.timer_is(&alice), Some(expected));
    }
    let id = id(&alice, &bob);
    for seconds in [0, MAX_TIMER + 1] {
        let refused = alice
            .db()
            .write_blocking(move |tx| set_timer(tx, &id, Some(seconds)));
        assert!(matches!(refused, Err(ComposeError::Timer)));
    }
    let nowhere = ConversationId::from_bytes([0; 32]);
    let refused = alice
        .db()
        .write_blocking(move |tx| set_timer(tx, &nowhere, None));
    assert!(matches!(refused, Err(ComposeError::UnknownConversation)));
}

#[test]
fn the_timer_is_the_one_that_was_changed_last() {
    let (mut alice, mut bob) = acquainted();
    alice.timer(&bob, Some(60));
    assert_eq!(bob.timer_is(&alice), None);
    // Bob's message is on its way when Alice chooses: it does not undo that.
    bob.say(&alice, "on its way");
    settle(&mut alice, &mut bob);
    assert_eq!(alice.timer_is(&bob), Some(60));
    alice.say(&bob, "with a timer");
    settle(&mut alice, &mut bob);
    assert_eq!(bob.timer_is(&alice), Some(60));
    bob.say(&alice, "the same");
    settle(&mut alice, &mut bob);
    assert_eq!(alice.last(&bob).expires_in, Some(60));
    bob.timer(&alice, None);
    bob.say(&alice, "without");
    settle(&mut alice, &mut bob);
    assert_eq!(alice.timer_is(&bob), None);
    assert_eq!(alice.last(&bob).expires_in, None);
}

#[test]
fn an_overtaken_message_does_not_set_the_timer_back() {
    let (alice, mut bob) = acquainted();
    alice.timer(&bob, Some(60));
    alice.say(&bob, "first");
    alice.timer(&bob, Some(3600));
    alice.say(&bob, "second");
    alice.send(&mut bob);
    bob.queue.reverse();
    bob.receive();
    assert_eq!(bob.timer_is(&alice), Some(3600));
}

#[test]
fn a_clock_that_is_set_back_keeps_no_message_longer_and_brings_none_back() {
    let (mut alice, mut bob) = acquainted();
    alice.timer(&bob, Some(60));
    alice.say(&bob, "soon gone");
    bob.clock.advance_ms(20 * DAY);
    settle(&mut alice, &mut bob);
    bob.has_read(&alice);
    // Back by days: the message has a minute left, not days and a minute.
    bob.clock.set_back_ms(10 * DAY);
    bob.sweep();
    let left = bob.last(&alice).expires_at.unwrap() - bob.clock_ms();
    assert_eq!(left, 60 * SECOND);
    assert_eq!(bob.after(60 * SECOND, &alice), ["hello"]);
    bob.clock.set_back_ms(5 * DAY);
    bob.sweep();
    assert_eq!(bob.texts(&alice), ["hello"]);
    assert_eq!(
        bob.count("SELECT count(*) FROM message WHERE expires_at < 0"),
        0
    );
}

#[test]
fn an_unread_message_is_no_longer_counted_when_it_is_gone() {
    let (mut alice, mut bob) = acquainted();
    bob.has_read(&alice);
    alice.timer(&bob, Some(60));
    alice.say(&bob, "one");
    alice.say(&bob, "two");
    settle(&mut alice, &mut bob);
    assert_eq!(bob.count("SELECT unread FROM conversation"), 2);
    bob.delete(place(&bob, &alice, "one"), false);
    assert_eq!(bob.count("SELECT unread FROM conversation"), 1);
}
