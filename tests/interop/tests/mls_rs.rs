//! Sotto and mls-rs in one conversation: each joins the group of the other, reads what it says, and
//! follows it through commits that mix in secrets of its own group.
#![expect(
    clippy::unwrap_used,
    reason = "clippy counts only the test functions themselves as tests"
)]

mod device;
#[path = "../../../crates/core/src/testing.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    clippy::panic,
    reason = "the engine's test bench; its own tests use the rest"
)]
mod testing;

use device::{delivered, envelopes};
use sotto_core::messages::Outcome;
use sotto_wire::conversation::{ConversationId, GroupBinding};
use testing::{Party, TestClock};

fn parties() -> (Party, Party) {
    let clock = TestClock::new();
    (Party::new("alice", &clock), Party::new("bob", &clock))
}

fn is_message(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Message(_))
}

#[test]
fn mls_rs_joins_our_group_and_reads_our_messages() {
    let (alice, bob) = parties();
    let mut theirs = device::of(&bob);
    let conversation = alice.start(&bob);
    alice.contact_with(&bob, theirs.key_package());
    for n in 1..=3 {
        alice.say(&bob, &format!("message {n}"));
    }
    let heard = theirs.hear(&envelopes(&alice, &bob));
    assert_eq!(heard, ["message 1", "message 2", "message 3"]);
    let bound = theirs.binding();
    assert_eq!(
        (bound.conversation, bound.did),
        (conversation, alice.own.did)
    );
}

#[test]
fn we_join_a_group_of_mls_rs_and_read_its_messages() {
    let (alice, bob) = parties();
    let mut theirs = device::of(&alice);
    theirs.contact(&bob, &theirs.own_binding(&bob));
    let said = ["message 1", "message 2"].map(|text| theirs.say(text));
    let said = said.map(|envelope| delivered(&alice, &envelope)).to_vec();
    let outcomes = bob.receive_batch(said);
    assert!(outcomes.iter().all(is_message), "{outcomes:?}");
    assert_eq!(bob.texts(&alice), ["message 1", "message 2"]);
}

#[test]
fn a_group_of_mls_rs_that_is_bound_to_another_conversation_is_refused() {
    let (alice, bob) = parties();
    let mut theirs = device::of(&alice);
    let other = GroupBinding {
        conversation: ConversationId::from_bytes([7; 32]),
        ..theirs.own_binding(&bob)
    };
    theirs.contact(&bob, &other);
    let said = delivered(&alice, &theirs.say("message"));
    assert_eq!(
        bob.receive_batch(vec![said]),
        [Outcome::Quarantined("welcome.other-conversation")]
    );
}

#[test]
fn each_follows_the_commits_of_the_other() {
    let (mut alice, bob) = parties();
    let mut theirs = device::of(&bob);
    alice.contact_with(&bob, theirs.key_package());
    alice.say(&bob, "hello");
    assert_eq!(theirs.hear(&envelopes(&alice, &bob)), ["hello"]);
    theirs.contact(&alice, &theirs.own_binding(&alice));
    let answer = delivered(&bob, &theirs.say("hello to you"));
    assert!(is_message(&alice.receive_batch(vec![answer])[0]));
    for n in 1..=3 {
        // We have opened the store anew, or read another epoch: a commit goes before the message.
        alice.reopen();
        let text = format!("after our commit {n}");
        alice.say(&bob, &text);
        let said = envelopes(&alice, &bob);
        assert_eq!(theirs.hear(&said), [text]);
        assert_eq!(theirs.epoch(), 1 + n);
        theirs.commit();
        let text = format!("after their commit {n}");
        let answer = delivered(&bob, &theirs.say(&text));
        let outcomes = alice.receive_batch(vec![answer]);
        assert!(is_message(&outcomes[0]), "{outcomes:?}");
        assert_eq!(alice.texts(&bob).pop(), Some(text));
    }
}
