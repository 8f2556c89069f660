//! Replies, reactions, edits, deletions, and what of it counts.

mod disappearing;
mod hostile;
mod order;
mod reading;

use crate::db::{DbError, conversations, own};
use crate::messages::content::{self, Edit};
use crate::messages::history::{Reaction, Reply};
use crate::messages::{ComposeError, Message, MessageState, Outcome, compose};
use crate::testing::{Party, acquainted, settle};
use sotto_wire::content::{Body, Content, MessageId};
use sotto_wire::conversation::ConversationId;
use sotto_wire::random::OsRandom;

fn id(a: &Party, b: &Party) -> ConversationId {
    ConversationId::of(&a.own.did, &b.own.did)
}

/// The place here of the other's message, or the own one, that says this.
fn place(of: &Party, with: &Party, text: &str) -> i64 {
    let messages = of.messages(with);
    let found = messages.iter().find(|it| it.text.as_deref() == Some(text));
    found.unwrap_or_else(|| panic!("nobody says {text}")).id
}

fn mimi_id(of: &Party, place: i64) -> MessageId {
    of.read(move |tx| {
        let sql = "SELECT mimi_id FROM message WHERE id = ?1";
        Ok(tx.query_row(sql, [place], |row| row.get(0))?)
    })
}

impl Party {
    fn react(&self, to: i64, emoji: Option<&'static str>) {
        self.write(move |tx| content::react(tx, to, emoji));
    }

    fn edit(&self, message: i64, text: &'static str) {
        self.write(move |tx| content::edit(tx, message, text));
    }

    fn delete(&self, message: i64, for_everyone: bool) {
        self.write(move |tx| content::delete(tx, message, for_everyone));
    }

    fn reply(&self, with: &Party, text: &'static str, to: i64) -> i64 {
        let id = id(self, with);
        self.write(move |tx| compose::reply(tx, &id, text, Some(to)))
    }

    /// Sends content as it is, whatever it says.
    fn tell(&self, to: &Party, content: Content) -> MessageId {
        let id = id(self, to);
        self.write(move |tx| {
            let own = own::current(tx)?.unwrap();
            let row = conversations::by_id(tx, &id)?.unwrap();
            content::event(tx, &own, &id, row.row, &content, None).map(|(_, mimi_id)| mimi_id)
        })
    }

    fn last(&self, with: &Party) -> Message {
        self.messages(with).pop().unwrap()
    }

    fn reactions(&self, with: &Party) -> Vec<(String, bool, bool)> {
        let of = |Reaction { emoji, mine, peer }| (emoji, mine, peer);
        self.last(with).reactions.into_iter().map(of).collect()
    }
}

fn reaction(to: MessageId, emoji: &[&str]) -> Content {
    let emoji = emoji.iter().map(ToString::to_string).collect();
    Content {
        in_reply_to: Some(to),
        ..Content::new(Body::Reaction(emoji), &OsRandom)
    }
}

fn deletion(of: MessageId) -> Content {
    Content {
        replaces: Some(of),
        ..Content::new(Body::Delete { reaction: false }, &OsRandom)
    }
}

fn edition(of: MessageId, text: &str) -> Content {
    Content {
        replaces: Some(of),
        ..Content::text(text, &OsRandom)
    }
}

#[test]
fn a_reply_shows_what_it_answers_as_that_is_at_present() {
    let (mut alice, mut bob) = acquainted();
    let hello = place(&bob, &alice, "hello");
    bob.reply(&alice, "hello yourself", hello);
    settle(&mut alice, &mut bob);
    let theirs = place(&alice, &bob, "hello");
    let quoted = |message, text: Option<&str>, mine| {
        let text = text.map(Into::into);
        Some(Reply {
            message,
            mine,
            text,
            file: None,
        })
    };
    assert_eq!(
        alice.last(&bob).reply_to,
        quoted(Some(theirs), Some("hello"), true)
    );
    assert_eq!(
        bob.last(&alice).reply_to,
        quoted(Some(hello), Some("hello"), false)
    );
    alice.edit(theirs, "hello there");
    settle(&mut alice, &mut bob);
    assert_eq!(
        bob.last(&alice).reply_to,
        quoted(Some(hello), Some("hello there"), false)
    );
    alice.delete(theirs, true);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.last(&alice).reply_to, quoted(Some(hello), None, false));
    bob.delete(hello, false);
    assert_eq!(bob.last(&alice).reply_to, quoted(None, None, false));
}

#[test]
fn a_reply_to_what_nobody_has_is_shown_without_it() {
    let (mut alice, mut bob) = acquainted();
    let content = Content {
        in_reply_to: Some([9; 32]),
        ..Content::text("as I said", &OsRandom)
    };
    alice.tell(&bob, content);
    settle(&mut alice, &mut bob);
    let last = bob.last(&alice);
    assert_eq!(last.text.as_deref(), Some("as I said"));
    let reply = last.reply_to.unwrap();
    assert_eq!((reply.message, reply.text), (None, None));
}

#[test]
fn a_reaction_is_set_replaced_and_withdrawn() {
    let (mut alice, mut bob) = acquainted();
    let (theirs, ours) = (place(&alice, &bob, "hello"), place(&bob, &alice, "hello"));
    for emoji in [Some("❤️"), Some("👍🏽"), Some("👍🏽"), None, None, Some("🎉")] {
        bob.react(ours, emoji);
        settle(&mut alice, &mut bob);
        let seen = |mine: bool| emoji.map(|it| (it.to_owned(), mine, !mine));
        assert_eq!(bob.reactions(&alice), Vec::from_iter(seen(true)));
        assert_eq!(alice.reactions(&bob), Vec::from_iter(seen(false)));
    }
    alice.react(theirs, Some("🎉"));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.reactions(&alice), [("🎉".to_owned(), true, true)]);
    assert_eq!(alice.reactions(&bob), [("🎉".to_owned(), true, true)]);
    assert_eq!(bob.messages(&alice).len(), 1, "a reaction is no message");
    assert_eq!(alice.messages(&bob).len(), 1);
    assert_eq!(bob.count("SELECT unread FROM conversation"), 1);
}

#[test]
fn what_is_no_single_character_is_no_reaction() {
    let (alice, bob) = acquainted();
    let hello = place(&bob, &alice, "hello");
    for emoji in ["", "no", "👍👎", "\u{202e}"] {
        let refused = bob
            .db()
            .write_blocking(move |tx| content::react(tx, hello, Some(emoji)));
        assert!(matches!(refused, Err(ComposeError::Reaction)), "{emoji:?}");
    }
    assert_eq!(bob.count("SELECT count(*) FROM outbox"), 0);
    assert_eq!(bob.count("SELECT count(*) FROM reaction"), 0);
}

#[test]
fn an_edit_shows_the_latest_text_and_keeps_the_earlier_ones() {
    let (mut alice, mut bob) = acquainted();
    let hello = place(&alice, &bob, "hello");
    assert_eq!(bob.last(&alice).edited_at, None);
    let first = alice.last(&bob).at;
    for text in ["hallo", "halo"] {
        alice.clock.advance_ms(1000);
        alice.edit(hello, text);
    }
    settle(&mut alice, &mut bob);
    for (party, other) in [(&alice, &bob), (&bob, &alice)] {
        let last = party.last(other);
        assert_eq!(last.text.as_deref(), Some("halo"));
        assert!(last.edited_at > Some(first));
        let message = last.id;
        let edits = party.read(move |tx| content::edits(tx, message));
        let texts: Vec<_> = edits.iter().map(|it| it.text.as_deref().unwrap()).collect();
        assert_eq!(texts, ["hello", "hallo"]);
        let Edit { at, .. } = edits[0];
        assert_eq!(at, first);
        assert_eq!(party.messages(other).len(), 1);
    }
}

#[test]
fn only_what_is_there_and_ones_own_can_be_edited() {
    let (alice, bob) = acquainted();
    let (theirs, own) = (place(&bob, &alice, "hello"), place(&alice, &bob, "hello"));
    let edit = |party: &Party, message, text: &'static str| {
        party
            .db()
            .write_blocking(move |tx| content::edit(tx, message, text))
    };
    assert!(matches!(
        edit(&bob, theirs, "x"),
        Err(ComposeError::NotYours)
    ));
    assert!(matches!(edit(&alice, own, " "), Err(ComposeError::Empty)));
    assert!(matches!(
        edit(&alice, 1, "x"),
        Err(ComposeError::UnknownMessage)
    ));
    edit(&alice, own, "hello").unwrap();
    assert_eq!(alice.last(&bob).edited_at, None, "the same text is no edit");
    alice.delete(own, true);
    assert!(matches!(
        edit(&alice, own, "x"),
        Err(ComposeError::UnknownMessage)
    ));
    let delete = bob
        .db()
        .write_blocking(move |tx| content::delete(tx, theirs, true));
    assert!(matches!(delete, Err(ComposeError::NotYours)));
    assert_eq!(bob.texts(&alice), ["hello"]);
}

/// Every text that a database of messages holds, in whatever column.
fn holds(party: &Party, text: &'static str) -> i64 {
    party.read(move |tx| {
        let sql = "SELECT (SELECT count(*) FROM message WHERE instr(content, CAST(?1 AS BLOB)) OR text = ?1)
                 + (SELECT count(*) FROM edit WHERE text = ?1)
                 + (SELECT count(*) FROM early_content WHERE instr(content, CAST(?1 AS BLOB)))";
        Ok(tx.query_row(sql, [text], |row| row.get(0))?)
    })
}

#[test]
fn deleted_for_everyone_it_leaves_nothing_but_that() {
    let (mut alice, mut bob) = acquainted();
    let (own, theirs) = (place(&alice, &bob, "hello"), place(&bob, &alice, "hello"));
    alice.edit(own, "edited");
    settle(&mut alice, &mut bob);
    bob.react(theirs, Some("❤"));
    settle(&mut alice, &mut bob);
    alice.delete(own, true);
    settle(&mut alice, &mut bob);
    for (party, other) in [(&alice, &bob), (&bob, &alice)] {
        let last = party.last(other);
        assert!(last.deleted && last.text.is_none() && last.edited_at.is_none());
        assert!(last.reactions.is_empty());
        for text in ["hello", "edited"] {
            assert_eq!(holds(party, text), 0, "{text}");
        }
    }
    assert_eq!(bob.count("SELECT unread FROM conversation"), 0);
    alice.delete(own, true);
    assert_eq!(
        alice.count("SELECT count(*) FROM outbox"),
        0,
        "once is enough"
    );
    let reacted = bob
        .db()
        .write_blocking(move |tx| content::react(tx, theirs, Some("❤")));
    assert!(matches!(reacted, Err(ComposeError::UnknownMessage)));
}

#[test]
fn deleted_for_me_it_does_not_come_back() {
    let (mut alice, mut bob) = acquainted();
    let second = alice.say(&bob, "second");
    let put = alice.seal(&bob).remove(0);
    bob.queue.push(alice.delivery(&put));
    bob.receive();
    bob.delete(place(&bob, &alice, "second"), false);
    assert_eq!(bob.texts(&alice), ["hello"]);
    assert_eq!(holds(&bob, "second"), 0);
    // Once more as it came, and sealed anew; then edited, and reacted to.
    bob.queue.push(alice.delivery(&put));
    assert_eq!(bob.receive(), [Outcome::Duplicate]);
    let conversation = alice.count("SELECT id FROM conversation");
    alice.write(move |tx| crate::messages::renew::retire(tx, conversation));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello"]);
    alice.edit(second, "second thought");
    alice.react(second, Some("❤"));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello"]);
    assert_eq!(bob.messages(&alice).len(), 1);
    assert_eq!(holds(&bob, "second thought"), 0);
    assert_eq!(bob.count("SELECT count(*) FROM reaction"), 0);
    assert_eq!(
        alice.texts(&bob),
        ["hello", "second thought"],
        "it is there for her"
    );
}

#[test]
fn what_has_not_left_the_device_is_withdrawn() {
    let (mut alice, mut bob) = acquainted();
    let second = alice.say(&bob, "second");
    alice.delete(second, true);
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["hello"]);
    assert_eq!(
        (alice.messages(&bob).len(), bob.messages(&alice).len()),
        (1, 1)
    );
    assert_eq!(
        bob.count("SELECT count(*) FROM message"),
        1,
        "bob never hears of it"
    );
    alice.say(&bob, "third");
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "third"]);
}

#[test]
fn content_waits_and_arrives_like_a_message() {
    let (mut alice, mut bob) = acquainted();
    let hello = place(&alice, &bob, "hello");
    alice.edit(hello, "edited");
    let sealed = alice.seal(&bob);
    assert_eq!(sealed.len(), 1);
    alice.reopen();
    assert_eq!(alice.due(), sealed, "the very same bytes");
    assert!(alice.seal(&bob).is_empty(), "nothing is sealed twice");
    for _ in 0..3 {
        bob.queue.push(alice.delivery(&sealed[0]));
    }
    assert_eq!(
        bob.receive(),
        [Outcome::Control, Outcome::Duplicate, Outcome::Duplicate]
    );
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["edited"]);
    assert_eq!(bob.count("SELECT count(*) FROM edit"), 1);
    for table in ["SELECT count(*) FROM frame", "SELECT count(*) FROM put"] {
        assert_eq!(alice.count(table), 0);
    }
}

#[test]
fn an_aborted_receipt_changes_nothing_and_the_next_one_all() {
    let (mut alice, mut bob) = acquainted();
    let (own, theirs) = (place(&alice, &bob, "hello"), place(&bob, &alice, "hello"));
    alice.react(own, Some("❤"));
    alice.edit(own, "edited");
    alice.say(&bob, "second");
    alice.delete(place(&alice, &bob, "edited"), true);
    alice.send(&mut bob);
    let queue = bob.queue.clone();
    for kept in 0..=queue.len() {
        let part = queue[..kept].to_vec();
        let aborted = bob.db().write_blocking(move |tx| {
            crate::messages::receive::batch(tx, &part)?;
            Err::<(), crate::messages::EngineError>(DbError::Closed.into())
        });
        assert!(aborted.is_err());
        bob.reopen();
        assert_eq!(bob.texts(&alice), ["hello"]);
        assert_eq!(bob.count("SELECT count(*) FROM reaction"), 0);
    }
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["second"]);
    assert!(bob.messages(&alice)[0].deleted);
    assert_eq!(bob.messages(&alice)[0].id, theirs);
    assert_eq!(bob.count("SELECT unread FROM conversation"), 1);
    assert_eq!(
        alice.count("SELECT count(*) FROM message WHERE state <> 2"),
        0
    );
    let delivered = alice
        .messages(&bob)
        .iter()
        .all(|it| it.state == MessageState::Delivered);
    assert!(delivered);
}

#[test]
fn a_deletion_or_an_edit_that_is_given_up_is_said_of_its_message() {
    const MONTH: u64 = 30 * 24 * 60 * 60 * 1000;
    let (mut alice, mut bob) = acquainted();
    let hello = place(&alice, &bob, "hello");
    let edited = alice.say(&bob, "tpyo");
    settle(&mut alice, &mut bob);
    alice.delete(hello, true);
    alice.edit(edited, "typo");
    alice.react(edited, Some("👍"));
    // A relay takes it all, and Bob never comes for it.
    let mut nobody = Party::new("nobody", &alice.clock.clone());
    alice.seal(&bob);
    alice.send(&mut nobody);
    alice.write(crate::messages::housekeep);
    let errors = |alice: &Party, bob: &Party| {
        let codes = alice.messages(bob).into_iter().map(|it| it.error);
        codes.collect::<Vec<_>>()
    };
    assert_eq!(errors(&alice, &bob), [None, None], "not before the time");
    alice.clock.advance_ms(MONTH);
    alice.write(crate::messages::housekeep);
    let expected = ["message.deletion_unheard", "message.edit_unheard"];
    let expected = expected.map(|code| Some(code.to_owned()));
    assert_eq!(errors(&alice, &bob), expected);
    let messages = alice.messages(&bob);
    assert!(messages[0].deleted && messages[1].text.as_deref() == Some("typo"));
    assert!(
        messages
            .iter()
            .all(|it| it.state == MessageState::Delivered)
    );
    // It is said once: what is done with the message later has its own word.
    alice.write(crate::messages::housekeep);
    assert_eq!(errors(&alice, &bob), expected);
}
