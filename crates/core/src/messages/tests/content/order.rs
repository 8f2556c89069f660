//! Content that arrives in another order than it was written, or more than once.

use super::*;
use crate::messages::renew;

/// Everything that is due for the other one, not yet in its queue.
fn deliveries(from: &Party, to: &Party) -> Vec<crate::messages::Incoming> {
    from.seal(to);
    let due = from.due();
    for put in &due {
        from.settle(put, crate::outbox::PutResult::Accepted);
    }
    due.iter().map(|put| from.delivery(put)).collect()
}

#[test]
fn in_whatever_order_it_comes_the_outcome_is_the_same() {
    // Every order of a message, an edit, a reaction, its withdrawal, and another edit.
    let (mut alice, mut bob) = acquainted();
    for order in permutations(5) {
        let message = alice.say(&bob, "first");
        alice.edit(message, "second");
        alice.react(message, Some("❤"));
        alice.react(message, None);
        alice.edit(message, "third");
        let queue = deliveries(&alice, &bob);
        bob.queue = order.iter().map(|at| queue[*at].clone()).collect();
        bob.receive();
        settle(&mut alice, &mut bob);
        let last = bob.last(&alice);
        assert_eq!(last.text.as_deref(), Some("third"), "{order:?}");
        assert!(last.reactions.is_empty(), "{order:?}");
        let edits = bob.read(move |tx| content::edits(tx, last.id));
        let texts: Vec<_> = edits.into_iter().filter_map(|it| it.text).collect();
        assert_eq!(texts, ["first", "second"], "{order:?}");
        assert_eq!(bob.count("SELECT count(*) FROM early_content"), 0);
    }
    assert_eq!(bob.messages(&alice).len(), 121);
    assert_eq!(bob.count("SELECT unread FROM conversation"), 121);
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(n - 1).into_iter();
    let longer = shorter.flat_map(|order| {
        (0..n).map(move |at| {
            let mut order = order.clone();
            order.insert(at, n - 1);
            order
        })
    });
    longer.collect()
}

#[test]
fn a_deletion_that_comes_first_deletes_what_comes_later() {
    let (mut alice, mut bob) = acquainted();
    let message = alice.say(&bob, "gone");
    let first = deliveries(&alice, &bob);
    alice.react(message, Some("❤"));
    alice.edit(message, "gone too");
    alice.delete(message, true);
    bob.queue = deliveries(&alice, &bob);
    bob.queue.reverse();
    bob.receive();
    assert_eq!(bob.texts(&alice), ["hello"]);
    bob.reopen();
    bob.queue = first;
    bob.receive();
    settle(&mut alice, &mut bob);
    assert!(bob.last(&alice).deleted);
    for text in ["gone", "gone too"] {
        assert_eq!(holds(&bob, text), 0);
    }
    assert_eq!(bob.count("SELECT unread FROM conversation"), 1);
}

#[test]
fn a_reaction_that_was_replaced_before_it_came_stays_replaced() {
    let (mut alice, mut bob) = acquainted();
    let hello = place(&alice, &bob, "hello");
    alice.react(hello, Some("❤"));
    alice.react(hello, Some("🎉"));
    bob.queue = deliveries(&alice, &bob);
    bob.queue.reverse();
    bob.receive();
    settle(&mut alice, &mut bob);
    assert_eq!(bob.reactions(&alice), [("🎉".to_owned(), false, true)]);
    alice.react(hello, None);
    settle(&mut alice, &mut bob);
    assert!(bob.reactions(&alice).is_empty());
}

#[test]
fn content_that_was_lost_with_its_group_is_sealed_anew() {
    let (mut alice, mut bob) = acquainted();
    let (own, theirs) = (place(&alice, &bob, "hello"), place(&bob, &alice, "hello"));
    bob.react(theirs, Some("❤"));
    alice.edit(own, "first");
    alice.edit(own, "second");
    // The second edit arrives, the first does not; then the group goes.
    let lost = deliveries(&alice, &bob);
    bob.queue = vec![lost[1].clone()];
    bob.receive();
    assert_eq!(bob.texts(&alice), ["second"]);
    for party in [&alice, &bob] {
        let conversation = party.count("SELECT id FROM conversation");
        party.write(move |tx| renew::retire(tx, conversation));
    }
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["second"]);
    assert_eq!(alice.reactions(&bob), [("❤".to_owned(), false, true)]);
    assert_eq!(alice.count("SELECT count(*) FROM outbox"), 0);
    let undelivered = "SELECT count(*) FROM message WHERE state NOT IN (2, 4)";
    assert_eq!(alice.count(undelivered) + bob.count(undelivered), 0);
}

#[test]
fn what_was_deleted_before_it_was_sealed_anew_stays_away() {
    let (mut alice, mut bob) = acquainted();
    let message = alice.say(&bob, "secret");
    deliveries(&alice, &bob);
    let conversation = alice.count("SELECT id FROM conversation");
    alice.write(move |tx| renew::retire(tx, conversation));
    alice.delete(message, true);
    alice.say(&bob, "after");
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "after"]);
    assert!(
        alice.messages(&bob)[1].deleted,
        "it may have arrived, so it is not just gone"
    );
    assert_eq!(holds(&bob, "secret"), 0);
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 0);
}

#[test]
fn a_deleted_message_that_failed_leaves_no_gap_when_it_is_tried_again() {
    let (mut alice, mut bob) = acquainted();
    let message = alice.say(&bob, "refused");
    let put = alice.seal(&bob).remove(0);
    alice.settle(
        &put,
        crate::outbox::PutResult::Refused("relay.refused".into()),
    );
    alice.write(move |tx| crate::messages::retry(tx, message));
    alice.delete(message, true);
    alice.say(&bob, "after");
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "after"]);
    assert_eq!(alice.count("SELECT count(*) FROM frame"), 0);
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 0);
}
