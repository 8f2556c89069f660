use crate::messages::{MessageState, Outcome};
use crate::outbox::Route;
use crate::testing::{Party, TestClock, acquainted, settle};

fn strangers() -> (Party, Party) {
    let clock = TestClock::new();
    (Party::new("alice", &clock), Party::new("bob", &clock))
}

#[test]
fn first_message_is_delivered_and_answered() {
    let (mut alice, mut bob) = strangers();
    let id = alice.say(&bob, "hello");
    let puts = alice.seal(&bob);
    assert!(matches!(&puts[..], [put] if matches!(put.route, Route::DidMailbox { .. })));

    alice.send(&mut bob);
    assert!(matches!(&bob.receive()[..], [Outcome::Message(_)]));
    assert_eq!(bob.texts(&alice), ["hello"]);
    assert_eq!(alice.messages(&bob)[0].state, MessageState::Sent);

    // Bob's device answers by itself, through the grant that came along.
    let answer = bob.seal(&alice);
    assert!(matches!(&answer[..], [put] if matches!(put.route, Route::Grant { .. })));
    bob.send(&mut alice);
    assert_eq!(alice.receive(), [Outcome::Control]);
    let message = &alice.messages(&bob)[0];
    assert_eq!((message.id, message.state), (id, MessageState::Delivered));

    // From now on both use grants, and Welcomes are no longer needed.
    alice.say(&bob, "by grant");
    bob.say(&alice, "by grant too");
    settle(&mut alice, &mut bob);
    for (one, other) in [(&alice, &bob), (&bob, &alice)] {
        assert_eq!(one.count("SELECT count(*) FROM conversation"), 1);
        let mut texts = one.texts(other);
        texts.sort();
        assert_eq!(texts, ["by grant", "by grant too", "hello"]);
        assert_eq!(one.count("SELECT count(*) FROM quarantine"), 0);
    }
}

#[test]
fn welcome_rides_along_until_acknowledged() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "hello");
    alice.send(&mut bob);
    bob.receive();
    bob.say(&alice, "one");
    bob.say(&alice, "two");
    let puts = bob.seal(&alice);
    assert_eq!(puts.len(), 3, "the answer and two messages");
    // Whichever arrives, it can be read.
    let last = bob.delivery(&puts[2]);
    assert!(matches!(
        &alice.receive_batch(vec![last])[..],
        [Outcome::Message(_)]
    ));
    assert_eq!(alice.texts(&bob), ["hello", "two"]);
    bob.send(&mut alice);
    alice.receive();
    assert_eq!(alice.texts(&bob), ["hello", "one", "two"]);
    alice.send(&mut bob);
    bob.receive();
    bob.say(&alice, "three");
    let put = &bob.seal(&alice)[0];
    assert!(
        put.bytes.len() < 1200,
        "{} bytes still hold a Welcome",
        put.bytes.len()
    );
}

#[test]
fn crossing_first_contacts_make_one_conversation() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "from alice");
    bob.say(&alice, "from bob");
    alice.send(&mut bob);
    bob.send(&mut alice);
    assert!(matches!(&bob.receive()[..], [Outcome::Message(_)]));
    assert!(matches!(&alice.receive()[..], [Outcome::Message(_)]));
    settle(&mut alice, &mut bob);
    alice.say(&bob, "and on");
    settle(&mut alice, &mut bob);
    for (one, other) in [(&alice, &bob), (&bob, &alice)] {
        assert_eq!(one.count("SELECT count(*) FROM conversation"), 1);
        assert_eq!(one.count("SELECT count(*) FROM send_group"), 1);
        assert_eq!(one.count("SELECT count(*) FROM read_group"), 1);
        assert_eq!(one.messages(other).len(), 3);
        for message in one.messages(other).iter().filter(|message| message.mine()) {
            assert_eq!(message.state, MessageState::Delivered);
        }
    }
}

#[test]
fn two_hundred_messages_before_the_answer() {
    let (mut alice, mut bob) = strangers();
    for n in 0..200 {
        alice.say(&bob, &format!("message {n}"));
    }
    assert_eq!(
        alice.send(&mut bob),
        16,
        "no more envelopes than the specification allows"
    );
    assert_eq!(alice.send(&mut bob), 0);
    let id = sotto_wire::conversation::ConversationId::of(&alice.own.did, &bob.own.did);
    assert!(
        !alice.read(crate::outbox::waiting).contains(&id),
        "no busy loop"
    );
    settle(&mut alice, &mut bob);
    let expected: Vec<String> = (0..200).map(|n| format!("message {n}")).collect();
    assert_eq!(bob.texts(&alice), expected);
    assert!(
        alice
            .messages(&bob)
            .iter()
            .all(|it| it.state == MessageState::Delivered)
    );
    assert_eq!(
        alice.count("SELECT count(*) FROM put") + bob.count("SELECT count(*) FROM put"),
        0
    );
}

#[test]
fn last_resort_package_serves_more_than_once() {
    let clock = TestClock::new();
    let mut bob = Party::new("bob", &clock);
    let last = bob.write(crate::mls::key_packages::generate_last_resort);
    assert!(last.last_resort);
    let now = bob.clock_now();
    assert!(!bob.read(move |tx| crate::mls::key_packages::last_resort_due(tx, now)));
    for name in ["alice", "carol"] {
        let mut other = Party::new(name, &clock);
        other.contact_with(&bob, last.bytes.clone());
        other.say(&bob, name);
        settle(&mut other, &mut bob);
        assert_eq!(bob.texts(&other), [name]);
    }
    assert!(bob.read(move |tx| crate::mls::key_packages::last_resort_due(tx, now)));
}

#[test]
fn grants_are_renewed_before_they_expire() {
    let (mut alice, mut bob) = acquainted();
    let assigned = "SELECT count(*) FROM issued_grant WHERE peer_device IS NOT NULL";
    assert_eq!(alice.count(assigned), 1);
    alice.clock.advance_ms(50 * 86_400 * 1000);
    alice.stock(4);
    alice.say(&bob, "after fifty days");
    settle(&mut alice, &mut bob);
    assert_eq!(alice.count(assigned), 2);
    assert_eq!(bob.count("SELECT count(*) FROM held_grant"), 2);
    bob.stock(4);
    bob.say(&alice, "by the new one");
    let put = bob.seal(&alice).remove(0);
    let newest =
        "SELECT address FROM issued_grant WHERE peer_device IS NOT NULL ORDER BY expires_s DESC";
    let address: String = alice.read(move |tx| Ok(tx.query_row(newest, [], |row| row.get(0))?));
    assert!(matches!(put.route, Route::Grant { address: to, .. } if to.as_str() == address));
}
