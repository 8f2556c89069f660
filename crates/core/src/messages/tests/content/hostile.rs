//! What a peer may not do, and how much of it.

use super::*;
use crate::inbox::WINDOW;
use sotto_wire::content::{MAX_TEXT, STATUS_READ};

#[test]
fn nobody_edits_or_deletes_what_the_other_one_said() {
    let (mut alice, mut bob) = acquainted();
    let hello = mimi_id(&alice, place(&alice, &bob, "hello"));
    bob.tell(&alice, edition(hello, "I am a fool"));
    bob.tell(&alice, deletion(hello));
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["hello"]);
    let last = alice.last(&bob);
    assert!(!last.deleted && last.edited_at.is_none());
}

#[test]
fn nobody_withdraws_the_reaction_of_the_other_one() {
    let (mut alice, mut bob) = acquainted();
    alice.react(place(&alice, &bob, "hello"), Some("❤"));
    settle(&mut alice, &mut bob);
    let reaction = bob.read(|tx| {
        let sql = "SELECT mimi_id FROM reaction";
        Ok::<MessageId, DbError>(tx.query_row(sql, [], |row| row.get(0))?)
    });
    bob.tell(&alice, deletion(reaction));
    let hello = mimi_id(&bob, place(&bob, &alice, "hello"));
    let replaced = Content {
        replaces: Some(reaction),
        ..super::reaction(hello, &["💩"])
    };
    bob.tell(&alice, replaced);
    settle(&mut alice, &mut bob);
    let seen = alice.reactions(&bob);
    assert!(seen.contains(&("❤".to_owned(), true, false)), "{seen:?}");
}

#[test]
fn nobody_reaches_into_another_conversation() {
    let clock = crate::testing::TestClock::new();
    let [mut alice, mut bob, mut carol] =
        ["alice", "bob", "carol"].map(|name| Party::new(name, &clock));
    carol.say(&alice, "from carol");
    settle(&mut carol, &mut alice);
    bob.say(&alice, "from bob");
    settle(&mut bob, &mut alice);
    let target = mimi_id(&alice, place(&alice, &carol, "from carol"));
    bob.tell(&alice, edition(target, "x"));
    bob.tell(&alice, deletion(target));
    bob.tell(&alice, reaction(target, &["💩"]));
    bob.tell(
        &alice,
        Content::new(Body::Status(vec![(target, STATUS_READ)]), &OsRandom),
    );
    settle(&mut bob, &mut alice);
    assert_eq!(alice.texts(&carol), ["from carol"]);
    assert!(alice.last(&carol).reactions.is_empty());
}

#[test]
fn a_hundred_thousand_reactions_are_twenty() {
    let (mut alice, mut bob) = acquainted();
    let hello = mimi_id(&bob, place(&bob, &alice, "hello"));
    // As many as fit one message, as often as it takes: emoji of the whole block.
    let emoji: Vec<String> = (0x1f300..0x1f700u32)
        .filter_map(char::from_u32)
        .map(String::from)
        .collect();
    for some in emoji.chunks(14) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        alice.tell(&bob, reaction(hello, &some));
    }
    settle(&mut alice, &mut bob);
    assert_eq!(bob.count("SELECT count(*) FROM reaction"), 20);
    assert_eq!(bob.last(&alice).reactions.len(), 20);
    bob.react(place(&bob, &alice, "hello"), Some("❤"));
    assert_eq!(
        bob.count("SELECT count(*) FROM reaction"),
        21,
        "one's own counts apart"
    );
}

#[test]
fn a_reaction_of_many_bytes_is_not_one() {
    let (mut alice, mut bob) = acquainted();
    let hello = mimi_id(&bob, place(&bob, &alice, "hello"));
    let mut content = reaction(hello, &["x"]).encode().unwrap();
    let at = content.len() - 2;
    content.splice(at.., [0x59, 0xc3, 0x50]);
    content.extend(vec![b'x'; 50_000]);
    assert_eq!(Content::decode(&content).unwrap().body, Body::Unsupported);
    raw(&mut alice, &mut bob, content);
    assert_eq!(bob.count("SELECT count(*) FROM reaction"), 0);
    assert_eq!(bob.last(&alice).text, None, "kept, and said");
    assert_eq!(bob.messages(&alice).len(), 2);
}

/// Sends these bytes as content.
fn raw(alice: &mut Party, bob: &mut Party, content: Vec<u8>) {
    let placeholder = alice.say(bob, "placeholder");
    alice.write(move |tx| {
        tx.execute(
            "UPDATE message SET content = ?2 WHERE id = ?1",
            rusqlite::params![placeholder, content],
        )?;
        Ok::<_, DbError>(())
    });
    settle(alice, bob);
}

#[test]
fn content_that_is_malformed_is_quarantined_and_holds_up_nothing() {
    let (mut alice, mut bob) = acquainted();
    let text = Content::text("x", &OsRandom).encode().unwrap();
    let bomb = [&text[..22], &[0xa1, 0x03], &[0x81; 60_000][..]].concat();
    raw(&mut alice, &mut bob, bomb);
    let cut = text[..text.len() - 1].to_vec();
    raw(&mut alice, &mut bob, cut);
    let code = "SELECT count(*) FROM quarantine WHERE code = 'content.malformed'";
    assert_eq!(bob.count(code), 2);
    alice.say(&bob, "after");
    alice.send(&mut bob);
    bob.receive();
    assert_eq!(bob.texts(&alice), ["hello", "after"]);
}

#[test]
fn a_report_of_what_is_not_the_recipients_changes_nothing() {
    let (mut alice, mut bob) = acquainted();
    bob.say(&alice, "from bob");
    settle(&mut alice, &mut bob);
    let own = mimi_id(&bob, place(&bob, &alice, "from bob"));
    let theirs = mimi_id(&bob, place(&bob, &alice, "hello"));
    // Bob calls his own message read, and others that are nobody's; one of them a hundred times.
    let mut statuses = vec![(own, STATUS_READ), (theirs, 4), (theirs, 0), (theirs, 255)];
    statuses.extend((0..90).map(|n| ([n; 32], STATUS_READ)));
    bob.tell(&alice, Content::new(Body::Status(statuses), &OsRandom));
    settle(&mut alice, &mut bob);
    let states: Vec<_> = alice.messages(&bob).iter().map(|it| it.state).collect();
    assert_eq!(states, [MessageState::Delivered, MessageState::Received]);
}

#[test]
fn what_waits_for_messages_that_never_come_is_bounded_and_forgotten() {
    let (mut alice, mut bob) = acquainted();
    for n in 0..300u16 {
        let mut target = [0; 32];
        target[..2].copy_from_slice(&n.to_be_bytes());
        alice.tell(&bob, edition(target, "for nothing"));
    }
    settle(&mut alice, &mut bob);
    assert_eq!(bob.count("SELECT count(*) FROM early_content"), 256);
    bob.clock.advance_ms(31 * 24 * 60 * 60 * 1000);
    bob.write(crate::messages::housekeep);
    assert_eq!(bob.count("SELECT count(*) FROM early_content"), 0);
    assert_eq!(bob.texts(&alice), ["hello"]);
}

#[test]
fn a_message_that_is_edited_without_end_keeps_a_hundred_texts() {
    let (mut alice, mut bob) = acquainted();
    let hello = mimi_id(&alice, place(&alice, &bob, "hello"));
    let rounds = 2 * usize::try_from(WINDOW).unwrap().min(75);
    for n in 0..rounds {
        alice.tell(&bob, edition(hello, &n.to_string()));
    }
    alice.tell(&bob, edition(hello, &"x".repeat(MAX_TEXT)));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.count("SELECT count(*) FROM edit"), 100);
    assert_eq!(bob.last(&alice).text.unwrap().len(), MAX_TEXT);
}

#[test]
fn an_edit_to_something_unknown_is_said_to_be_that() {
    let (mut alice, mut bob) = acquainted();
    let hello = mimi_id(&alice, place(&alice, &bob, "hello"));
    let mut content = edition(hello, "x").encode().unwrap();
    let at = content
        .windows(10)
        .position(|it| it == b"text/plain")
        .unwrap();
    content[at..at + 10].copy_from_slice(b"text/other");
    raw(&mut alice, &mut bob, content);
    let last = bob.last(&alice);
    assert!(last.text.is_none() && !last.deleted && last.edited_at.is_some());
    assert_eq!(bob.messages(&alice).len(), 1);
}
