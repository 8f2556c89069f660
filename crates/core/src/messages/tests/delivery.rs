use crate::messages::{MessageState, Outcome};
use crate::outbox::{self, PutResult};
use crate::testing::{Party, TestClock, acquainted, settle};
use sotto_wire::first_contact::UnverifiedEnvelope;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

#[test]
fn states_go_from_sending_to_delivered() {
    let (mut alice, mut bob) = acquainted();
    let id = alice.say(&bob, "hi");
    let state =
        |of: &Party| of.read(move |tx| crate::messages::history::by_ids(tx, &[id]))[0].state;
    assert_eq!(state(&alice), MessageState::Sending);
    let put = alice.seal(&bob).remove(0);
    alice.settle(&put, PutResult::Unreachable);
    assert_eq!(state(&alice), MessageState::Sending);
    assert!(alice.due().is_empty(), "not before its time");
    alice.clock.advance_ms(2000);
    assert_eq!(alice.due(), std::slice::from_ref(&put), "the same bytes");
    bob.queue.push(alice.delivery(&put));
    alice.settle(&put, PutResult::Accepted);
    assert_eq!(state(&alice), MessageState::Sent);
    bob.receive();
    settle(&mut alice, &mut bob);
    assert_eq!(state(&alice), MessageState::Delivered);
}

#[test]
fn unacknowledged_bytes_are_put_again_on_schedule() {
    let (alice, bob) = acquainted();
    alice.say(&bob, "hi");
    let put = alice.seal(&bob).remove(0);
    alice.settle(&put, PutResult::Accepted);
    for wait in [
        5 * MINUTE,
        30 * MINUTE,
        120 * MINUTE,
        720 * MINUTE,
        DAY,
        DAY,
    ] {
        // Sooner by up to a tenth, at random.
        alice.clock.advance_ms(wait * 9 / 10 - 1);
        assert!(alice.due().is_empty());
        alice.clock.advance_ms(wait / 10 + 1);
        let due = alice.due();
        assert_eq!((due[0].id, &due[0].route), (put.id, &put.route));
        alice.settle(&put, PutResult::Accepted);
    }
}

#[test]
fn the_oldest_frame_goes_out_in_other_bytes_in_the_end() {
    let (alice, bob) = acquainted();
    let puts: Vec<_> = ["one", "two"]
        .into_iter()
        .flat_map(|text| {
            alice.say(&bob, text);
            alice.seal(&bob)
        })
        .collect();
    for (times, wait) in [0, 5 * MINUTE, 30 * MINUTE, 120 * MINUTE]
        .into_iter()
        .enumerate()
    {
        alice.clock.advance_ms(wait);
        let due = alice.due();
        assert_eq!(
            due[0].bytes == puts[0].bytes,
            times < 3,
            "the {times}th time"
        );
        assert_eq!(due[1], puts[1], "it waits for the one before it");
        for put in &due {
            alice.settle(put, PutResult::Accepted);
        }
    }
    // Its first bytes are what a relay drops; the others are read like them.
    alice.clock.advance_ms(DAY);
    let fresh = alice.due().remove(0);
    let outcomes = [&fresh, &puts[1], &puts[0]].map(|put| {
        let incoming = alice.delivery(put);
        bob.receive_batch(vec![incoming]).remove(0)
    });
    assert!(
        matches!(outcomes[..], [Outcome::Message(_), Outcome::Message(_), _]),
        "{outcomes:?}"
    );
    assert_eq!(bob.texts(&alice), ["hello", "one", "two"]);
}

#[test]
fn a_full_relay_is_left_alone_for_as_long_as_it_asks() {
    let (alice, bob) = acquainted();
    alice.say(&bob, "hi");
    let put = alice.seal(&bob).remove(0);
    alice.settle(
        &put,
        PutResult::Full {
            retry_after_ms: 10_000,
        },
    );
    alice.clock.advance_ms(9_999);
    assert!(alice.due().is_empty());
    // And up to a tenth longer, at random.
    alice.clock.advance_ms(1_001);
    assert_eq!(alice.due().len(), 1);
}

#[test]
fn what_no_relay_has_taken_is_not_overtaken() {
    let (alice, bob) = acquainted();
    for text in ["one", "two"] {
        alice.say(&bob, text);
    }
    let puts = alice.seal(&bob);
    alice.settle(&puts[0], PutResult::Unreachable);
    alice.say(&bob, "three");
    alice.seal(&bob);
    assert!(
        alice.due().is_empty(),
        "the second and third wait for the first"
    );
    let wake = alice.read(outbox::next_due).unwrap();
    let wait = wake - alice.clock_ms();
    assert!((1000..=2000).contains(&wait), "{wait}");
    alice.clock.advance_ms(2000);
    assert_eq!(alice.due().len(), 3);
    alice.settle(&puts[0], PutResult::Accepted);
    assert_eq!(
        alice.due().len(),
        2,
        "a frame that was taken holds nothing back"
    );
    alice.settle(&puts[1], PutResult::Unreachable);
    alice.write(outbox::due_now);
    assert_eq!(alice.due().len(), 2);
}

#[test]
fn after_thirty_days_a_message_has_failed_and_can_be_sent_anew() {
    let (mut alice, mut bob) = acquainted();
    let lost = alice.say(&bob, "lost");
    let put = alice.seal(&bob).remove(0);
    alice.settle(&put, PutResult::Accepted);
    alice.clock.advance_ms(30 * DAY);
    alice.write(crate::messages::housekeep);
    let message = alice
        .read(move |tx| crate::messages::history::by_ids(tx, &[lost]))
        .remove(0);
    assert_eq!(message.state, MessageState::Failed);
    assert_eq!(message.error.as_deref(), Some("message.expired"));
    assert!(alice.due().is_empty());

    alice.write(move |tx| crate::messages::retry(tx, lost));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "lost"]);
    assert!(
        alice
            .messages(&bob)
            .iter()
            .all(|it| it.state == MessageState::Delivered)
    );
    assert_eq!(alice.count("SELECT count(*) FROM frame"), 0);
}

#[test]
fn a_message_given_up_leaves_no_gap_behind() {
    let (mut alice, mut bob) = acquainted();
    let refused = alice.say(&bob, "refused");
    let put = alice.seal(&bob).remove(0);
    alice.settle(&put, PutResult::Refused("relay.too-large".into()));
    alice.say(&bob, "after");
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "after"]);
    let states: Vec<_> = alice.messages(&bob).iter().map(|it| it.state).collect();
    use MessageState::{Delivered, Failed};
    assert_eq!(
        states,
        [Delivered, Failed, Delivered],
        "acknowledged in spite of the gap"
    );

    alice.write(move |tx| crate::messages::retry(tx, refused));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "after", "refused"]);
    assert!(alice.messages(&bob).iter().all(|it| it.state == Delivered));
}

#[test]
fn a_repeated_frame_is_dropped_and_acknowledged_again() {
    let (mut alice, bob) = acquainted();
    alice.say(&bob, "hi");
    let put = alice.seal(&bob).remove(0);
    let frame = alice.delivery(&put);
    assert!(matches!(
        bob.receive_batch(vec![frame.clone()])[..],
        [Outcome::Message(_)]
    ));
    let lost_ack = bob.seal(&alice);
    assert_eq!(lost_ack.len(), 1);
    bob.settle(&lost_ack[0], PutResult::Accepted);
    assert!(bob.seal(&alice).is_empty(), "one acknowledgement is enough");

    assert_eq!(
        bob.receive_batch(vec![frame.clone(), frame]),
        [Outcome::Duplicate; 2]
    );
    assert_eq!(bob.texts(&alice), ["hello", "hi"]);
    bob.send(&mut alice);
    assert_eq!(alice.receive(), [Outcome::Control]);
    assert_eq!(alice.messages(&bob)[1].state, MessageState::Delivered);
}

#[test]
fn a_late_outcome_is_never_taken_for_another_puts() {
    let (mut alice, mut bob) = acquainted();
    let mut frames = Vec::new();
    for text in ["one", "two"] {
        alice.say(&bob, text);
        frames.push(alice.delivery(&alice.seal(&bob)[0]));
    }
    bob.receive_batch(frames.split_off(1));
    let older = bob.seal(&alice).remove(0);
    bob.receive_batch(frames);
    let newer = bob.seal(&alice).remove(0);
    assert_ne!(older.id, newer.id);
    bob.settle(&older, PutResult::Accepted);
    assert_eq!(bob.due(), [newer]);
    settle(&mut alice, &mut bob);
}

#[test]
fn overtaken_messages_sort_at_their_place() {
    let (mut alice, mut bob) = acquainted();
    for n in 1..=6 {
        alice.say(&bob, &n.to_string());
    }
    let puts = alice.seal(&bob);
    bob.say(&alice, "between");
    for n in [1, 5, 3, 2, 6, 4] {
        let frame = alice.delivery(&puts[n - 1]);
        assert!(matches!(
            bob.receive_batch(vec![frame])[..],
            [Outcome::Message(_)]
        ));
    }
    assert_eq!(
        bob.texts(&alice),
        ["hello", "between", "1", "2", "3", "4", "5", "6"]
    );
    let ids: Vec<i64> = bob
        .messages(&alice)
        .iter()
        .map(|message| message.id)
        .collect();
    assert!(ids.is_sorted());
    assert_eq!(bob.count("SELECT count(*) FROM early_frame"), 0);
    settle(&mut alice, &mut bob);
    assert!(
        alice
            .messages(&bob)
            .iter()
            .all(|it| it.state != MessageState::Sent)
    );
}

#[test]
fn acknowledgements_stop_at_a_gap() {
    let (mut alice, bob) = acquainted();
    for text in ["one", "two", "three"] {
        alice.say(&bob, text);
    }
    let puts = alice.seal(&bob);
    let frames = |of: &[usize]| {
        of.iter()
            .map(|n| alice.delivery(&puts[*n]))
            .collect::<Vec<_>>()
    };
    bob.receive_batch(frames(&[0, 2]));
    bob.send(&mut alice);
    alice.receive();
    use MessageState::{Delivered, Sending};
    let states = |alice: &Party| {
        alice
            .messages(&bob)
            .iter()
            .map(|it| it.state)
            .collect::<Vec<_>>()
    };
    assert_eq!(states(&alice), [Delivered, Delivered, Sending, Sending]);
    let frame = alice.delivery(&puts[1]);
    bob.receive_batch(vec![frame]);
    bob.send(&mut alice);
    alice.receive();
    assert_eq!(states(&alice), [Delivered; 4]);
}

#[test]
fn a_long_conversation_passes_the_ratchet_limits() {
    let (mut alice, mut bob) = acquainted();
    for round in 0..2 {
        for n in 0..1050 {
            alice.say(&bob, &format!("{round}.{n}"));
        }
        settle(&mut alice, &mut bob);
    }
    assert_eq!(bob.messages(&alice).len(), 2101);
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 0);
}

#[test]
fn a_first_contact_goes_out_in_other_bytes_in_the_end_and_reaches_who_was_set_back() {
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    bob.packages.replace(vec![bob.key_package()]);
    let image = bob.copy();
    for text in ["one", "two"] {
        alice.say(&bob, text);
    }
    let puts = alice.seal(&bob);
    let payload = |put: &outbox::Put| {
        let envelope = UnverifiedEnvelope::parse(&put.bytes).unwrap();
        let envelope = envelope.into_unverified();
        (envelope.sealed, envelope.welcome)
    };
    let first: Vec<_> = puts.iter().map(payload).collect();
    for (times, wait) in [0, 5 * MINUTE, 30 * MINUTE, 120 * MINUTE]
        .into_iter()
        .enumerate()
    {
        clock.advance_ms(wait);
        let due = alice.due();
        // The relay knows an envelope by its payload, and drops one that was acknowledged to it.
        assert_eq!(payload(&due[0]) == first[0], times < 3, "{times}");
        assert_eq!(payload(&due[1]), first[1], "it waits for the one before it");
        assert_eq!(payload(&due[0]).1, first[0].1, "the Welcome stays");
        for put in &due {
            alice.settle(put, PutResult::Accepted);
        }
    }
    // Bob has read the first bytes, and lost that.
    let delivery = alice.delivery(&puts[0]);
    assert!(matches!(
        bob.receive_batch(vec![delivery])[..],
        [Outcome::Message(_)]
    ));
    bob.restore(&image);
    clock.advance_ms(DAY);
    let fresh = alice.due().remove(0);
    let outcomes = [&fresh, &puts[1], &puts[0]].map(|put| {
        let incoming = alice.delivery(put);
        bob.receive_batch(vec![incoming]).remove(0)
    });
    assert!(
        matches!(outcomes[..], [Outcome::Message(_), Outcome::Message(_), _]),
        "{outcomes:?}"
    );
    assert_eq!(bob.texts(&alice), ["one", "two"]);
    settle(&mut alice, &mut bob);
    let delivered = |it: &crate::messages::Message| it.state == MessageState::Delivered;
    assert!(alice.messages(&bob).iter().all(delivered));
    assert_eq!(bob.texts(&alice), ["one", "two"]);
}
