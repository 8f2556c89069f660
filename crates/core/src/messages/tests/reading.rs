use crate::messages::{ComposeError, compose, history};
use crate::testing::{Party, TestClock, acquainted, settle};
use sotto_wire::content::MAX_TEXT;
use sotto_wire::conversation::ConversationId;

#[test]
fn unread_counts_and_previews() {
    let (mut alice, mut bob) = acquainted();
    let id = ConversationId::of(&alice.own.did, &bob.own.did);
    let line = |of: &Party| of.read(move |tx| history::conversation(tx, &id)).unwrap();
    assert_eq!(line(&bob).unread, 1);
    assert_eq!(line(&alice).unread, 0, "own messages are read");
    alice.say(&bob, "second");
    alice.say(&bob, "third");
    settle(&mut alice, &mut bob);
    assert_eq!(line(&bob).unread, 3);
    let last = line(&bob).last.unwrap();
    assert_eq!((last.text.as_deref(), last.mine()), (Some("third"), false));
    assert!(line(&alice).last.unwrap().mine());
    bob.write(move |tx| history::mark_read(tx, &id));
    assert_eq!(line(&bob).unread, 0);
}

#[test]
fn the_list_is_newest_first() {
    let clock = TestClock::new();
    let alice = Party::new("alice", &clock);
    let (bob, carol) = (Party::new("bob", &clock), Party::new("carol", &clock));
    alice.say(&bob, "to bob");
    clock.advance_ms(1000);
    alice.say(&carol, "to carol");
    let names = || {
        let list = alice.read(history::conversations);
        list.into_iter()
            .map(|it| it.peer.pin.did.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(), ["did:web:carol.example", "did:web:bob.example"]);
    clock.advance_ms(1000);
    alice.say(&bob, "to bob again");
    assert_eq!(names(), ["did:web:bob.example", "did:web:carol.example"]);
}

#[test]
fn pages_go_backwards_without_gaps() {
    let (alice, bob) = acquainted();
    for n in 0..25 {
        alice.say(&bob, &n.to_string());
    }
    let id = ConversationId::of(&alice.own.did, &bob.own.did);
    let mut before = None;
    let mut texts = Vec::new();
    loop {
        let page = alice.read(move |tx| history::page(tx, &id, before, 10));
        let Some(first) = page.first() else { break };
        before = Some(first.id);
        let mut page: Vec<_> = page.into_iter().filter_map(|it| it.text).collect();
        page.append(&mut texts);
        texts = page;
    }
    let mut expected = vec!["hello".to_owned()];
    expected.extend((0..25).map(|n| n.to_string()));
    assert_eq!(texts, expected);
}

#[test]
fn texts_are_bounded() {
    let (alice, mut bob) = acquainted();
    let id = alice.start(&bob);
    let compose = |text: String| {
        alice
            .db()
            .write_blocking(move |tx| compose::text(tx, &id, &text))
    };
    assert!(matches!(compose(" \n".into()), Err(ComposeError::Empty)));
    assert!(matches!(
        compose("x".repeat(MAX_TEXT + 1)),
        Err(ComposeError::TooLong)
    ));
    compose("x".repeat(MAX_TEXT)).unwrap();
    alice.send(&mut bob);
    bob.receive();
    assert_eq!(bob.texts(&alice)[1].len(), MAX_TEXT);
}

#[test]
fn starting_twice_is_the_same_conversation() {
    let clock = TestClock::new();
    let (alice, bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    assert_eq!(alice.start(&bob), alice.start(&bob));
    assert_eq!(alice.count("SELECT count(*) FROM conversation"), 1);
    let own = alice.peer();
    let with_self = alice
        .db()
        .write_blocking(move |tx| crate::messages::start::conversation(tx, &own));
    assert!(matches!(
        with_self,
        Err(crate::messages::EngineError::OwnAccount)
    ));
}
