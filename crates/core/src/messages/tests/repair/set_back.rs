//! Disks that were set back, on one side or both.

use super::*;
use crate::messages::Outcome;

#[test]
fn a_receiver_that_was_set_back_reads_on_and_says_what_may_be_missing() {
    let (mut alice, mut bob) = acquainted();
    let image = bob.copy();
    for text in ["gone", "gone, too"] {
        alice.say(&bob, text);
    }
    settle(&mut alice, &mut bob);
    bob.restore(&image);
    alice.say(&bob, "after it");
    settle(&mut alice, &mut bob);
    pass(&mut alice, &mut bob, 2 * HOUR);
    assert_eq!(bob.texts(&alice), ["hello", "after it"]);
    assert!(!bob.notices(&alice).is_empty());
    go_on(&mut alice, &mut bob);
}

#[test]
fn a_receiver_that_was_set_back_by_days_asks_once_and_gets_everything_that_was_not_acknowledged() {
    let (mut alice, mut bob) = acquainted();
    let image = bob.copy();
    talk(&mut alice, &mut bob);
    bob.restore(&image);
    for n in 0..200 {
        alice.say(&bob, &format!("{n}"));
    }
    alice.send(&mut bob);
    let outcomes = bob.receive();
    assert!(
        outcomes
            .iter()
            .all(|it| matches!(it, Outcome::Quarantined("message.ahead")))
    );
    assert_eq!(bob.count("SELECT count(*) FROM lost_group"), 1);
    settle(&mut alice, &mut bob);
    let mut expected = vec!["hello".to_owned()];
    expected.extend((0..200).map(|n| n.to_string()));
    assert_eq!(bob.texts(&alice), expected);
    assert_eq!(alice.count(GROUPS), 1);
    assert!(
        bob.notices(&alice)
            .contains(&"notice.repair-asked".to_owned())
    );
    assert_eq!(alice.notices(&bob), ["notice.repaired-by-peer"]);
    go_on(&mut alice, &mut bob);
}

#[test]
fn a_sender_that_was_set_back_loses_nothing_that_it_writes_afterwards() {
    for healed in [false, true] {
        let (mut alice, mut bob) = acquainted();
        let image = alice.copy();
        if healed {
            talk(&mut alice, &mut bob);
        }
        alice.say(&bob, "forgotten");
        settle(&mut alice, &mut bob);
        alice.restore(&image);
        for text in ["after it", "and once more"] {
            alice.say(&bob, text);
        }
        settle(&mut alice, &mut bob);
        pass(&mut alice, &mut bob, 2 * HOUR);
        let texts = bob.texts(&alice);
        let end = texts.len() - 3;
        assert_eq!(texts[end..], ["forgotten", "after it", "and once more"]);
        alice.all_delivered(&bob);
        let notices = alice.notices(&bob);
        // Which of the two signs comes first depends on who has healed since.
        assert!(
            matches!(&notices[..], [it] if it == "notice.set-back" || it == "notice.repair-asked"),
            "{notices:?}"
        );
        go_on(&mut alice, &mut bob);
    }
}

#[test]
fn acknowledgements_of_what_was_forgotten_do_not_count_for_what_is_sent_now() {
    let (mut alice, mut bob) = acquainted();
    let image = alice.copy();
    for text in ["a", "b"] {
        alice.say(&bob, text);
    }
    alice.send(&mut bob);
    bob.receive();
    bob.send(&mut alice);
    alice.restore(&image);
    for text in ["c", "d", "e", "f"] {
        alice.say(&bob, text);
    }
    alice.seal(&bob);
    alice.receive();
    for message in &alice.messages(&bob)[1..] {
        assert_eq!(message.state, MessageState::Sending, "{message:?}");
    }
    settle(&mut alice, &mut bob);
    pass(&mut alice, &mut bob, 2 * HOUR);
    assert_eq!(bob.texts(&alice), ["hello", "a", "b", "c", "d", "e", "f"]);
    go_on(&mut alice, &mut bob);
}

#[test]
fn both_can_be_set_back_at_the_same_time() {
    for (healed_before, healed_between) in
        [(false, false), (false, true), (true, false), (true, true)]
    {
        let (mut alice, mut bob) = acquainted();
        if healed_before {
            talk(&mut alice, &mut bob);
        }
        let older = alice.copy();
        if healed_between {
            talk(&mut alice, &mut bob);
        }
        let newer = bob.copy();
        talk(&mut alice, &mut bob);
        alice.restore(&older);
        bob.restore(&newer);
        let before = (alice.texts(&bob).len(), bob.texts(&alice).len());
        alice.say(&bob, "from one ruin");
        bob.say(&alice, "from the other");
        settle(&mut alice, &mut bob);
        for hours in [2, 2, 30, 30] {
            pass(&mut alice, &mut bob, hours * HOUR);
        }
        assert!(bob.texts(&alice)[before.1..].contains(&"from one ruin".to_owned()));
        assert!(alice.texts(&bob)[before.0..].contains(&"from the other".to_owned()));
        go_on(&mut alice, &mut bob);
    }
}

#[test]
fn who_was_set_back_to_before_the_first_contact_begins_anew() {
    let (mut alice, mut bob) = strangers();
    let image = bob.copy();
    alice.say(&bob, "hello");
    settle(&mut alice, &mut bob);
    bob.say(&alice, "answer");
    settle(&mut alice, &mut bob);
    bob.restore(&image);
    alice.say(&bob, "are you there");
    settle(&mut alice, &mut bob);
    assert!(bob.texts(&alice).is_empty(), "nothing tells who it is from");
    bob.say(&alice, "I was away");
    settle(&mut alice, &mut bob);
    pass(&mut alice, &mut bob, 2 * HOUR);
    let mut texts = bob.texts(&alice);
    texts.sort();
    assert_eq!(texts, ["I was away", "are you there"]);
    go_on(&mut alice, &mut bob);
}

#[test]
fn who_forgot_an_epoch_that_the_peer_begins_with_says_so() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "hello");
    alice.send(&mut bob);
    let image = alice.copy();
    alice.reopen();
    alice.say(&bob, "in another epoch");
    alice.send(&mut bob);
    bob.receive();
    bob.send(&mut alice);
    alice.restore(&image);
    alice.say(&bob, "in another epoch of that number");
    alice.seal(&bob);
    assert_eq!(alice.receive(), [Outcome::Quarantined("message.ahead")]);
    assert_eq!(alice.notices(&bob), ["notice.repair-asked"]);
    settle(&mut alice, &mut bob);
    pass(&mut alice, &mut bob, 2 * HOUR);
    let expected = [
        "hello",
        "in another epoch",
        "in another epoch of that number",
    ];
    assert_eq!(bob.texts(&alice), expected);
    go_on(&mut alice, &mut bob);
}

#[test]
fn grants_that_were_given_since_are_replaced() {
    let (mut alice, mut bob) = acquainted();
    let image = bob.copy();
    bob.clock.advance_ms(50 * DAY);
    bob.stock(16);
    bob.say(&alice, "with another grant");
    settle(&mut alice, &mut bob);
    bob.restore(&image);
    alice.say(&bob, "to an unknown address");
    alice.send(&mut bob);
    assert_eq!(bob.receive(), [Outcome::Quarantined("grant.unknown")]);
    settle(&mut alice, &mut bob);
    pass(&mut alice, &mut bob, 2 * HOUR);
    assert_eq!(bob.texts(&alice), ["hello", "to an unknown address"]);
    assert!(bob.notices(&alice).contains(&"notice.set-back".to_owned()));
    go_on(&mut alice, &mut bob);
}

#[test]
fn a_grant_that_was_given_twice_is_noticed() {
    let (mut alice, mut bob) = acquainted();
    let mut carol = Party::new("carol", &alice.clock);
    let mut dave = Party::new("dave", &alice.clock);
    publish(&carol);
    dave.say(&bob, "I keep out of it");
    settle(&mut dave, &mut bob);
    bob.clock.advance_ms(50 * DAY);
    bob.stock(16);
    let image = bob.copy();
    bob.say(&alice, "with another grant");
    settle(&mut alice, &mut bob);
    bob.restore(&image);
    bob.say(&carol, "with the very same grant");
    settle(&mut bob, &mut carol);
    alice.say(&bob, "to whom");
    settle(&mut alice, &mut bob);
    settle(&mut bob, &mut carol);
    pass(&mut alice, &mut bob, 2 * HOUR);
    pass(&mut carol, &mut bob, 2 * HOUR);
    assert_eq!(bob.texts(&alice), ["hello", "to whom"]);
    assert!(bob.notices(&dave).is_empty() && dave.notices(&bob).is_empty());
    go_on(&mut alice, &mut bob);
    go_on(&mut carol, &mut bob);
}
