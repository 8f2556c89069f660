use crate::messages::{ComposeError, around, drafts, history};
use crate::testing::{Party, TestClock, acquainted};
use sotto_wire::content::MAX_TEXT;
use sotto_wire::conversation::ConversationId;

fn draft(party: &Party, id: ConversationId) -> Option<String> {
    let found = party.read(move |tx| history::conversation(tx, &id));
    found.unwrap().draft
}

#[test]
fn a_draft_is_kept_until_it_is_sent_and_moves_no_conversation() {
    let clock = TestClock::new();
    let mut alice = Party::new("alice", &clock);
    let (bob, carol) = (Party::new("bob", &clock), Party::new("carol", &clock));
    let (with_bob, with_carol) = (alice.start(&bob), alice.start(&carol));
    alice.say(&bob, "one");
    clock.advance_ms(1000);
    alice.say(&carol, "two");
    let order = |alice: &Party| -> Vec<ConversationId> {
        let list = alice.read(history::conversations);
        list.into_iter().map(|it| it.id).collect()
    };
    assert_eq!(order(&alice), [with_carol, with_bob]);
    alice.write(move |tx| drafts::save(tx, &with_bob, "dear Bo"));
    alice.write(move |tx| drafts::save(tx, &with_bob, "dear Bob,\n"));
    assert_eq!(order(&alice), [with_carol, with_bob]);
    alice.reopen();
    assert_eq!(draft(&alice, with_bob).unwrap(), "dear Bob,\n");
    assert_eq!(draft(&alice, with_carol), None);
    alice.say(&bob, "dear Bob,");
    assert_eq!(draft(&alice, with_bob), None);
    alice.write(move |tx| drafts::save(tx, &with_bob, "again"));
    alice.write(move |tx| drafts::save(tx, &with_bob, " "));
    assert_eq!(draft(&alice, with_bob), None);
}

#[test]
fn a_draft_is_bounded_and_belongs_to_a_conversation() {
    let clock = TestClock::new();
    let (alice, bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let id = alice.start(&bob);
    let save = |id: ConversationId, text: String| {
        alice
            .db()
            .write_blocking(move |tx| drafts::save(tx, &id, &text))
    };
    save(id, "x".repeat(MAX_TEXT)).unwrap();
    let long = save(id, "x".repeat(MAX_TEXT + 1));
    assert!(matches!(long, Err(ComposeError::TooLong)));
    let nowhere = save(ConversationId::from_bytes([1; 32]), "x".into());
    assert!(matches!(nowhere, Err(ComposeError::UnknownConversation)));
    assert_eq!(draft(&alice, id).unwrap().len(), MAX_TEXT);
}

#[test]
fn a_conversation_is_read_around_a_message_and_on_in_both_directions() {
    let (alice, bob) = acquainted();
    let id = alice.start(&bob);
    let mut all = alice.messages(&bob);
    for n in 0..20 {
        alice.say(&bob, &n.to_string());
    }
    all.extend(alice.messages(&bob).into_iter().skip(all.len()));
    let ids: Vec<i64> = all.iter().map(|message| message.id).collect();
    let around = |middle: i64, limit: u32| -> Vec<i64> {
        let page = alice.read(move |tx| around::around(tx, &id, middle, limit));
        page.into_iter().map(|message| message.id).collect()
    };
    let after = |from: i64, limit: u32| -> Vec<i64> {
        let page = alice.read(move |tx| around::after(tx, &id, from, limit));
        page.into_iter().map(|message| message.id).collect()
    };
    assert_eq!(around(ids[10], 6), ids[7..13]);
    // Near an end the page is filled from the other side, or as far as there is something.
    assert_eq!(around(ids[1], 6), ids[..6]);
    assert_eq!(around(ids[20], 6), ids[17..]);
    // Of one that is gone, its place.
    assert_eq!(around(ids[10] - 1, 6), ids[7..13]);
    assert_eq!(around(ids[10], 0), [0; 0]);
    assert_eq!(after(ids[12], 3), ids[13..16]);
    assert_eq!(after(ids[20], 3), [0; 0]);
    assert_eq!(after(0, 500), ids);
}
