//! First contact in every order of events. Whatever happens, there is one conversation in the end, each
//! message once and in order, every state true, and nothing left over (docs/protocol.md §3.4 to §3.6).

use crate::db::incoming;
use crate::messages::requests::{self, Arrival};
use crate::messages::{Incoming, MessageState, Outcome};
use crate::outbox::Route;
use crate::testing::{Party, TestClock, settle};
use sotto_wire::claim::Incoming as Policy;
use sotto_wire::conversation::ConversationId;
use sotto_wire::domain::Domain;
use sotto_wire::first_contact::UnverifiedEnvelope;

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

fn strangers() -> (Party, Party) {
    let clock = TestClock::new();
    (Party::new("alice", &clock), Party::new("bob", &clock))
}

/// Everything that must be true when nothing moves any more.
fn at_rest(one: &Party, other: &Party, said: &[&str], heard: &[&str]) {
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for message in one.messages(other) {
        let text = message.text.clone().unwrap();
        match message.mine() {
            true => {
                assert_eq!(message.state, MessageState::Delivered, "{text}");
                mine.push(text);
            }
            false => theirs.push(text),
        }
    }
    assert_eq!(
        (&mine[..], &theirs[..]),
        (&texts(said)[..], &texts(heard)[..])
    );
    assert_eq!(one.count("SELECT count(*) FROM conversation"), 1);
    for left in [
        "SELECT count(*) FROM outbox",
        "SELECT count(*) FROM put",
        "SELECT count(*) FROM quarantine",
        "SELECT count(*) FROM held_envelope",
        "SELECT count(*) FROM early_frame",
        "SELECT count(*) FROM frame",
    ] {
        assert_eq!(one.count(left), 0, "{left}");
    }
}

fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|&text| text.to_owned()).collect()
}

/// A hundred sequences, the same at every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(n).unwrap()).unwrap()
    }
}

fn take_any(dice: &mut Dice, queue: &mut Vec<Incoming>) -> Option<Incoming> {
    if queue.is_empty() {
        return None;
    }
    let at = dice.below(queue.len());
    Some(queue.remove(at))
}

#[test]
fn a_hundred_pairs_at_once_cross_in_every_order() {
    let clock = TestClock::new();
    for seed in 1..=100_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut pair = [Party::new("alice", &clock), Party::new("bob", &clock)];
        let mut said: [Vec<String>; 2] = Default::default();
        for step in 0..14 {
            let [alice, bob] = &mut pair;
            let who = dice.below(2);
            let (one, other) = if who == 0 { (alice, bob) } else { (bob, alice) };
            match dice.below(4) {
                0 if said[who].len() < 3 => {
                    let text = format!("{step}");
                    one.say(other, &text);
                    said[who].push(text);
                }
                0 | 1 => {
                    one.send(other);
                }
                2 => {
                    let arrived = take_any(&mut dice, &mut one.queue);
                    // Now and then twice.
                    if let Some(arrived) = arrived {
                        let copies = 1 + usize::from(dice.below(5) == 0);
                        one.receive_batch(vec![arrived; copies]);
                    }
                }
                _ => {
                    one.receive();
                }
            }
        }
        let [mut alice, mut bob] = pair;
        for (who, first, other) in [(0, &alice, &bob), (1, &bob, &alice)] {
            if said[who].is_empty() {
                first.say(other, "at last");
                said[who].push("at last".into());
            }
        }
        settle(&mut alice, &mut bob);
        let [by_alice, by_bob] = said
            .each_ref()
            .map(|it| it.iter().map(String::as_str).collect::<Vec<_>>());
        at_rest(&alice, &bob, &by_alice, &by_bob);
        at_rest(&bob, &alice, &by_bob, &by_alice);
        for party in [&alice, &bob] {
            assert_eq!(
                party.count("SELECT count(*) FROM read_group"),
                1,
                "seed {seed}"
            );
            assert_eq!(
                party.count("SELECT count(*) FROM send_group"),
                1,
                "seed {seed}"
            );
        }
    }
}

#[test]
fn several_first_messages_arrive_in_any_order() {
    for seed in 1..=12 {
        let (mut alice, mut bob) = strangers();
        for text in ["a", "b", "c", "d", "e"] {
            alice.say(&bob, text);
        }
        alice.send(&mut bob);
        let mut dice = Dice(seed * 7919);
        while let Some(arrived) = take_any(&mut dice, &mut bob.queue) {
            assert!(matches!(
                bob.receive_batch(vec![arrived])[..],
                [Outcome::Message(_)]
            ));
        }
        settle(&mut alice, &mut bob);
        at_rest(&bob, &alice, &[], &["a", "b", "c", "d", "e"]);
        at_rest(&alice, &bob, &["a", "b", "c", "d", "e"], &[]);
    }
}

fn arrives(at: &mut Party) {
    let arrivals = std::mem::take(&mut at.queue);
    let arrival = |incoming| Arrival {
        incoming,
        followed: false,
    };
    let arrivals = arrivals.into_iter().map(arrival).collect();
    at.write(move |tx| requests::arrive(tx, arrivals));
}

fn ask_first(party: &Party) {
    party.write(|tx| incoming::choose(tx, Policy::None));
}

fn accept(party: &Party, other: &Party) {
    let id = ConversationId::of(&party.own.did, &other.own.did);
    assert!(party.write(move |tx| requests::accept(tx, &id)).is_some());
}

#[test]
fn while_a_request_waits_its_sender_keeps_writing_and_nothing_is_lost() {
    let (mut alice, mut bob) = strangers();
    ask_first(&bob);
    let said: Vec<String> = (0..40).map(|n| format!("{n}")).collect();
    for text in &said {
        alice.say(&bob, text);
        alice.send(&mut bob);
        arrives(&mut bob);
    }
    assert_eq!(bob.count("SELECT count(*) FROM held_envelope"), 16);
    let states = |of: &Party| {
        of.messages(&bob)
            .into_iter()
            .map(|it| it.state)
            .collect::<Vec<_>>()
    };
    let waiting = states(&alice)
        .into_iter()
        .filter(|it| *it == MessageState::Sending);
    assert_eq!(waiting.count(), 24, "what waits says so");
    accept(&bob, &alice);
    settle(&mut alice, &mut bob);
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    at_rest(&alice, &bob, &said, &[]);
    at_rest(&bob, &alice, &[], &said);
}

#[test]
fn a_request_accepted_after_a_week_is_answered_as_if_it_had_just_come() {
    let (mut alice, mut bob) = strangers();
    ask_first(&bob);
    alice.say(&bob, "one");
    alice.say(&bob, "two");
    // Repeated all week, as nothing acknowledges it; other first contacts use packages meanwhile.
    for wait in [
        0,
        5 * MINUTE,
        30 * MINUTE,
        120 * MINUTE,
        DAY / 2,
        DAY,
        DAY,
        DAY,
        DAY,
        DAY,
        DAY,
    ] {
        alice.clock.advance_ms(wait);
        alice.send(&mut bob);
        arrives(&mut bob);
        let other = Party::new("carol", &bob.clock);
        drop((other, bob.key_package()));
    }
    assert_eq!(
        bob.count("SELECT count(*) FROM held_envelope"),
        2,
        "held once each"
    );
    bob.write(crate::messages::housekeep);
    alice.write(crate::messages::housekeep);
    accept(&bob, &alice);
    bob.say(&alice, "at last");
    settle(&mut alice, &mut bob);
    at_rest(&alice, &bob, &["one", "two"], &["at last"]);
    at_rest(&bob, &alice, &["at last"], &["one", "two"]);
}

#[test]
fn a_claimed_package_whose_welcome_was_lost_costs_nothing_but_the_package() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "hello");
    // Claimed, and the claimant crashed before it could make its group.
    drop(bob.key_package());
    alice.reopen();
    // Claimed again; the relay took the envelope and lost it.
    alice.send(&mut bob);
    bob.queue.clear();
    assert_eq!(alice.send(&mut bob), 0);
    alice.clock.advance_ms(5 * MINUTE);
    assert_eq!(alice.send(&mut bob), 1, "the same bytes once more");
    settle(&mut alice, &mut bob);
    at_rest(&alice, &bob, &["hello"], &[]);
    at_rest(&bob, &alice, &[], &["hello"]);
    // The private half of the package that nobody used is still there: its Welcome may be slow.
    assert_eq!(
        bob.count("SELECT count(*) FROM key_package WHERE kind = 0"),
        1
    );
}

#[test]
fn a_lost_answer_comes_again() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "hello");
    alice.send(&mut bob);
    bob.receive();
    bob.send(&mut alice);
    alice.queue.clear();
    assert_eq!(alice.messages(&bob)[0].state, MessageState::Sent);
    alice.clock.advance_ms(5 * MINUTE);
    settle(&mut alice, &mut bob);
    at_rest(&alice, &bob, &["hello"], &[]);
    at_rest(&bob, &alice, &[], &["hello"]);
}

#[test]
fn a_welcome_that_comes_twice_is_joined_once() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "hello");
    let put = alice.seal(&bob).remove(0);
    let arrived = alice.delivery(&put);
    // In one batch, in the next, and with another nonce, as after a rotation.
    let outcomes = bob.receive_batch(vec![arrived.clone(), arrived.clone()]);
    assert!(matches!(
        outcomes[..],
        [Outcome::Message(_), Outcome::Duplicate]
    ));
    assert_eq!(bob.receive_batch(vec![arrived]), [Outcome::Duplicate]);
    let mut envelope = UnverifiedEnvelope::parse(&put.bytes)
        .unwrap()
        .into_unverified();
    envelope.nonce = [9; 16];
    let mut again = put.clone();
    again.bytes = envelope.sign(&alice.own.device_key);
    assert_eq!(
        bob.receive_batch(vec![alice.delivery(&again)]),
        [Outcome::Duplicate]
    );
    assert_eq!(bob.count("SELECT count(*) FROM read_group"), 1);
    settle(&mut alice, &mut bob);
    at_rest(&bob, &alice, &[], &["hello"]);
    at_rest(&alice, &bob, &["hello"], &[]);
}

#[test]
fn a_package_that_expired_while_its_welcome_was_under_way_still_opens_it() {
    let (alice, mut bob) = strangers();
    alice.say(&bob, "slow");
    alice.send(&mut bob);
    bob.clock.advance_ms(95 * DAY);
    bob.write(crate::messages::housekeep);
    assert!(matches!(bob.receive()[..], [Outcome::Message(_)]));
    assert_eq!(bob.texts(&alice), ["slow"]);
}

#[test]
fn a_first_contact_follows_its_recipient_to_another_relay() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "hello");
    alice.seal(&bob);
    bob.own.domain = Domain::parse("elsewhere.example").unwrap();
    alice.look_at(&bob);
    let puts = alice.due();
    assert!(matches!(&puts[..], [put] if matches!(&put.route,
        Route::DidMailbox { domain, .. } if *domain == bob.own.domain)));
    settle(&mut alice, &mut bob);
    at_rest(&alice, &bob, &["hello"], &[]);
    at_rest(&bob, &alice, &[], &["hello"]);
}

#[test]
fn a_recipient_that_rotates_at_any_moment_of_a_first_contact_is_reached() {
    for moment in 0..4 {
        let (mut alice, mut bob) = strangers();
        alice.say(&bob, "hello");
        let package = bob.key_package();
        let rotates = |bob: &mut Party, alice: &Party, at: u8| {
            if moment == at {
                bob.rotate();
                alice.look_at(bob);
            }
        };
        // Between claim and group, group and put, put and arrival, arrival and answer.
        rotates(&mut bob, &alice, 0);
        alice.contact_with(&bob, package);
        rotates(&mut bob, &alice, 1);
        alice.send(&mut bob);
        rotates(&mut bob, &alice, 2);
        bob.receive();
        rotates(&mut bob, &alice, 3);
        settle(&mut alice, &mut bob);
        bob.say(&alice, "and back");
        settle(&mut alice, &mut bob);
        at_rest(&alice, &bob, &["hello"], &["and back"]);
        at_rest(&bob, &alice, &["and back"], &["hello"]);
    }
}

#[test]
fn a_recipient_that_was_reinstalled_between_claim_and_welcome_gets_it_all_the_same() {
    let (alice, mut bob) = strangers();
    // Bob writes; Alice is who is reinstalled.
    bob.say(&alice, "hello");
    bob.contact(&alice);
    let mut anew = alice.reinstalled(alice.own.delegate_key.clone());
    bob.send(&mut anew);
    assert!(matches!(anew.receive()[..], [Outcome::Quarantined(_)]));
    // The account is looked at within the hour.
    bob.look_at(&anew);
    bob.clock.advance_ms(60 * MINUTE);
    settle(&mut bob, &mut anew);
    assert_eq!(anew.texts(&bob), ["hello"]);
    assert_eq!(bob.messages(&anew)[0].state, MessageState::Delivered);
    anew.say(&bob, "new here");
    settle(&mut bob, &mut anew);
    assert_eq!(bob.texts(&anew), ["hello", "new here"]);
    assert_eq!(bob.notices(&anew), ["notice.device-new"], "once");
    let new = "notice.device-new".to_owned();
    assert!(!anew.notices(&bob).contains(&new), "Bob's is the same");
    assert_eq!(bob.count("SELECT count(*) FROM conversation"), 1);
    assert_eq!(bob.count("SELECT count(*) FROM put"), 0);
}

#[test]
fn an_initiator_that_was_reinstalled_before_the_answer_goes_on_in_the_same_conversation() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "one");
    alice.send(&mut bob);
    bob.receive();
    bob.say(&alice, "answer");
    // Everything that was on its way to the device before is lost with it.
    bob.send(&mut alice);
    let mut anew = alice.reinstalled(alice.own.delegate_key.clone());
    anew.say(&bob, "two");
    bob.look_at(&anew);
    settle(&mut anew, &mut bob);
    assert_eq!(bob.messages(&anew).len(), 3);
    let heard: Vec<_> = bob
        .messages(&anew)
        .into_iter()
        .filter(|it| !it.mine())
        .collect();
    let heard: Vec<_> = heard.into_iter().filter_map(|it| it.text).collect();
    assert_eq!(heard, ["one", "two"]);
    assert_eq!(bob.count("SELECT count(*) FROM conversation"), 1);
    let mine: Vec<_> = bob
        .messages(&anew)
        .into_iter()
        .filter(|it| it.mine())
        .collect();
    assert!(mine.iter().all(|it| it.state == MessageState::Delivered));
    assert!(
        anew.texts(&bob).contains(&"answer".to_owned()),
        "sealed anew for the new device"
    );
    assert_eq!(bob.count("SELECT count(*) FROM put"), 0);
}
