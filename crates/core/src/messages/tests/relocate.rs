//! Accounts that move to another relay while messages are on their way (docs/protocol.md §4.9).

use crate::db::{OwnAccount, own_move, peers};
use crate::messages::{Outcome, housekeep, relocate};
use crate::outbox::{Put, PutResult, Route, grant_stock};
use crate::testing::{Party, acquainted, settle};
use sotto_wire::domain::Domain;

const MINUTE: u64 = 60 * 1000;

impl Party {
    /// The record names another relay.
    fn move_to(&mut self, domain: &str) {
        self.own = OwnAccount {
            domain: Domain::parse(domain).unwrap(),
            claim_seq: self.own.claim_seq + 1,
            ..self.own.clone()
        };
        let (own, pin) = (self.own.clone(), self.pin());
        self.write(move |tx| {
            own_move::store(tx, &own.domain)?;
            relocate::moved(tx, &own, &pin)
        });
    }

    /// Seals, and has everything taken by relays that lose it.
    fn say_into_nowhere(&self, other: &Party, text: &str) -> Vec<Put> {
        self.say(other, text);
        self.seal(other);
        let due = self.due();
        for put in &due {
            self.settle(put, PutResult::Accepted);
        }
        due
    }

    fn awaits(&self, domain: &str) -> u32 {
        let (domain, now) = (Domain::parse(domain).unwrap(), self.clock_now());
        self.read(move |tx| grant_stock::awaited(tx, &domain, now))
    }
}

fn host(put: &Put) -> &str {
    match &put.route {
        Route::Grant { host, .. } => host.as_str(),
        Route::DidMailbox { domain, .. } => domain.as_str(),
    }
}

#[test]
fn what_the_relay_of_before_took_goes_to_the_next_one_too_and_is_read_once_in_order() {
    let (mut alice, mut bob) = acquainted();
    let lost: Vec<Put> = ["one", "two", "three"]
        .iter()
        .flat_map(|text| bob.say_into_nowhere(&alice, text))
        .collect();
    assert!(lost.iter().all(|put| host(put) == "relay.alice.example"));
    alice.move_to("next.example");
    assert_eq!(alice.awaits("relay.alice.example"), 1);
    alice.send(&mut bob);
    bob.receive();
    bob.say(&alice, "four");
    bob.seal(&alice);
    let again = bob.due();
    assert!(again.iter().all(|put| host(put) == "next.example"));
    let bytes = |puts: &[Put]| puts.iter().map(|put| put.bytes.clone()).collect::<Vec<_>>();
    assert_eq!(bytes(&again[..3]), bytes(&lost));
    for put in &again {
        alice.queue.push(bob.delivery(put));
        bob.settle(put, PutResult::Accepted);
    }
    alice.receive();
    assert_eq!(alice.texts(&bob), ["hello", "one", "two", "three", "four"]);
    assert_eq!(alice.awaits("relay.alice.example"), 0);
    // What was not lost after all.
    let late = lost.iter().map(|put| bob.delivery(put)).collect();
    let outcomes = alice.receive_batch(late);
    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Duplicate)));
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob).len(), 5);
    assert_eq!(alice.count("SELECT count(*) FROM quarantine"), 0);
    assert_eq!(bob.count("SELECT count(*) FROM put"), 0);
}

#[test]
fn a_relay_that_was_left_is_read_from_until_everybody_has_followed() {
    let (mut alice, mut bob) = acquainted();
    bob.say(&alice, "under way");
    bob.seal(&alice);
    let under_way: Vec<Put> = bob.due();
    alice.move_to("next.example");
    let moved = alice.read(|tx| own_move::former(tx));
    assert_eq!(moved[0].domain.as_str(), "relay.alice.example");
    let late = under_way.iter().map(|put| bob.delivery(put)).collect();
    alice.receive_batch(late);
    assert_eq!(alice.texts(&bob), ["hello", "under way"]);
    assert_eq!(
        alice.awaits("relay.alice.example"),
        1,
        "nothing came by the next one"
    );
    settle(&mut alice, &mut bob);
    assert_eq!(alice.awaits("relay.alice.example"), 0);
    let domain = moved[0].domain.clone();
    alice.write(move |tx| grant_stock::void_at(tx, &domain));
    bob.say(&alice, "by the next one");
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob).len(), 3);
}

#[test]
fn who_goes_back_or_moves_on_before_everybody_has_followed_loses_nothing() {
    let (mut alice, mut bob) = acquainted();
    bob.say_into_nowhere(&alice, "one");
    alice.move_to("next.example");
    alice.move_to("third.example");
    assert_eq!(
        alice.awaits("next.example"),
        0,
        "nobody was given a grant there"
    );
    alice.send(&mut bob);
    alice.move_to("relay.alice.example");
    let former = alice.read(|tx| own_move::former(tx));
    assert_eq!(former.len(), 2);
    settle(&mut alice, &mut bob);
    bob.say(&alice, "two");
    bob.seal(&alice);
    assert!(
        bob.due()
            .iter()
            .all(|put| host(put) == "relay.alice.example")
    );
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["hello", "one", "two"]);
    assert_eq!(alice.awaits("third.example"), 0);
    assert_eq!(alice.count("SELECT count(*) FROM quarantine"), 0);
}

#[test]
fn two_who_move_at_once_find_each_other_where_both_relays_of_before_are_gone() {
    let (mut alice, mut bob) = acquainted();
    alice.say_into_nowhere(&bob, "from alice");
    bob.say_into_nowhere(&alice, "from bob");
    alice.move_to("next.alice.example");
    bob.move_to("next.bob.example");
    // Each looks at the other's account; what goes to the relays of before is not even taken.
    for (one, other) in [(&alice, &bob), (&bob, &alice)] {
        let (pin, now) = (other.pin(), one.clock_ms());
        one.write(move |tx| peers::pin(tx, &pin, now));
    }
    for _ in 0..5 {
        for (one, other) in [(&alice, &bob), (&bob, &alice)] {
            one.seal(other);
            one.clock.advance_ms(MINUTE);
            for put in one.due() {
                assert!(host(&put).starts_with("relay."), "{put:?}");
                one.settle(&put, PutResult::Unreachable);
            }
        }
    }
    alice.clock.advance_ms(61 * MINUTE);
    alice.write(housekeep);
    bob.write(housekeep);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "from bob", "from alice"]);
    assert_eq!(alice.texts(&bob), ["hello", "from alice", "from bob"]);
    bob.say(&alice, "by a grant");
    bob.seal(&alice);
    assert!(
        bob.due()
            .iter()
            .all(|put| host(put) == "next.alice.example")
    );
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob).len(), 4);
}

#[test]
fn a_device_that_gives_its_grant_at_another_relay_within_the_hour_is_not_contacted_anew() {
    let (mut alice, mut bob) = acquainted();
    bob.say_into_nowhere(&alice, "one");
    alice.move_to("next.example");
    let (pin, now) = (alice.pin(), bob.clock_ms());
    bob.write(move |tx| peers::pin(tx, &pin, now));
    bob.clock.advance_ms(59 * MINUTE);
    bob.write(housekeep);
    let retired = "SELECT count(*) FROM retired_group";
    assert_eq!(bob.count(retired), 0);
    alice.send(&mut bob);
    bob.receive();
    bob.clock.advance_ms(10 * MINUTE);
    bob.write(housekeep);
    assert_eq!(bob.count(retired), 0);
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["hello", "one"]);
}
