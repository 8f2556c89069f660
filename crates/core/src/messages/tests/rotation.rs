//! Keys and devices that change while messages are on their way (docs/protocol.md §1.10, §1.12, §3.6).

use crate::db::holds::{self, Hold};
use crate::db::pending::Pending;
use crate::db::{OwnAccount, own, peers};
use crate::messages::{MessageState, Outcome, compose, forget, history, receive};
use crate::messages::{recertify, renew};
use crate::outbox::{self, Route};
use crate::testing::{Party, TestClock, account, acquainted, settle};
use sotto_wire::conversation::ConversationId;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::key::SigningKey;
use sotto_wire::random::OsRandom;
use sotto_wire::roster::{Roster, VerifiedRoster};

fn strangers() -> (Party, Party) {
    let clock = TestClock::new();
    (Party::new("alice", &clock), Party::new("bob", &clock))
}

/// The only device of an account, in a roster.
fn roster(own: &OwnAccount) -> VerifiedRoster {
    let roster = Roster {
        did: own.did.clone(),
        seq: own.roster_seq,
        devices: vec![own.certificate.clone()],
    };
    let key = own.delegate_key.public();
    Roster::verify(&roster.sign(&own.delegate_key), &key, &own.did).unwrap()
}

impl Party {
    /// Puts the next delegate key in use.
    pub(super) fn rotate(&mut self) {
        let next = SigningKey::generate(&OsRandom);
        let device = DeviceCertificate::parse_unverified(&self.own.certificate).unwrap();
        let pending = Pending {
            certificate: device.sign(&next),
            roster: Vec::new(),
            roster_seq: self.own.roster_seq + 1,
            claim_seq: self.own.claim_seq + 1,
            step: Vec::new(),
            delegate_key: next,
        };
        self.own = self.write(move |tx| recertify::promote(tx, &pending));
    }

    /// Looks at the other's account.
    pub(super) fn look_at(&self, other: &Party) {
        let (pin, roster) = (other.pin(), roster(&other.own));
        self.write(move |tx| renew::checked(tx, &pin, Some(&roster)));
    }

    /// The same account on a device that was just installed.
    pub(super) fn reinstalled(&self, delegate_key: SigningKey) -> Party {
        let fresh = account("alice", self.clock_now());
        let device = DeviceCertificate::parse_unverified(&fresh.certificate).unwrap();
        let mut party = Party::new("alice", &self.clock);
        party.own = OwnAccount {
            certificate: device.sign(&delegate_key),
            delegate_key,
            roster_seq: self.own.roster_seq + 1,
            claim_seq: self.own.claim_seq + 1,
            ..fresh
        };
        let own = party.own.clone();
        party.write(move |tx| own::store(tx, &own));
        party
    }

    /// As [`Party::say`], without verifying anybody.
    fn write_to(&self, other: &Party, text: &'static str) -> i64 {
        let id = ConversationId::of(&self.own.did, &other.own.did);
        self.write(move |tx| compose::text(tx, &id, text))
    }

    fn to_check(&self) -> usize {
        self.read(outbox::to_check).len()
    }
}

#[test]
fn a_first_contact_that_waits_shows_the_new_certificate() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "written before");
    let before = alice.seal(&bob).remove(0);
    alice.rotate();
    let after = alice.due().remove(0);
    assert_ne!(before.bytes, after.bytes);
    // Bob has seen the new key only.
    bob.start(&alice);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["written before"]);
    assert_eq!(alice.messages(&bob)[0].state, MessageState::Delivered);
    bob.say(&alice, "answer");
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["written before", "answer"]);
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 0);
}

#[test]
fn a_first_contact_of_before_is_read_once_the_devices_are_known() {
    let (mut alice, bob) = strangers();
    alice.say(&bob, "it lay in the mailbox");
    let put = alice.seal(&bob).remove(0);
    alice.rotate();
    // Delivered as it was, to someone who verifies the account as it is now.
    let envelope = alice.delivery(&put);
    assert_eq!(
        bob.receive_batch(vec![envelope.clone()]),
        [Outcome::Quarantined("certificate.invalid")]
    );
    bob.look_at(&alice);
    let (pin, devices) = (alice.pin(), roster(&alice.own));
    bob.write(move |tx| {
        let peer = peers::pin(tx, &pin, 0)?;
        renew::remember(tx, peer, &devices)
    });
    assert!(matches!(
        bob.receive_batch(vec![envelope])[..],
        [Outcome::Message(_)]
    ));
    assert_eq!(bob.texts(&alice), ["it lay in the mailbox"]);
}

#[test]
fn an_answer_of_before_is_read_by_who_knows_the_new_key_already() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "hello");
    alice.send(&mut bob);
    bob.receive();
    bob.say(&alice, "answered before");
    bob.seal(&alice);
    bob.rotate();
    alice.look_at(&bob);
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["hello", "answered before"]);
    assert_eq!(alice.count("SELECT count(*) FROM quarantine"), 0);
    assert_eq!(bob.messages(&alice)[1].state, MessageState::Delivered);
}

#[test]
fn a_welcome_under_a_key_not_seen_yet_is_of_a_device_that_is_known() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "hello");
    alice.send(&mut bob);
    // Bob makes his group under his next key; Alice knows the one before.
    bob.rotate();
    bob.receive();
    bob.say(&alice, "answered after");
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["hello", "answered after"]);
    assert_eq!(alice.count("SELECT count(*) FROM quarantine"), 0);
    assert_eq!(bob.messages(&alice)[1].state, MessageState::Delivered);
}

#[test]
fn a_certificate_that_does_not_verify_asks_for_another_look() {
    let (mut alice, mut bob) = strangers();
    alice.say(&bob, "hello");
    alice.send(&mut bob);
    bob.receive();
    bob.say(&alice, "answered before");
    bob.send(&mut alice);
    bob.rotate();
    // Alice has seen the new key, and not which devices are under it.
    alice.start(&bob);
    alice.clock.advance_ms(10_000);
    let outcomes = alice.receive();
    assert!(outcomes.contains(&Outcome::Quarantined("certificate.invalid")));
    assert_eq!(alice.to_check(), 1);
    alice.look_at(&bob);
    assert_eq!(alice.texts(&bob), ["hello", "answered before"]);
    assert_eq!(alice.to_check(), 0);
    assert_eq!(alice.count("SELECT count(*) FROM quarantine"), 0);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.messages(&alice)[1].state, MessageState::Delivered);
}

#[test]
fn two_and_three_rotations_of_both_leave_a_conversation_as_it_is() {
    let (mut alice, mut bob) = acquainted();
    let mut expected = vec!["hello".to_owned()];
    for round in 1..=3 {
        alice.rotate();
        bob.rotate();
        alice.look_at(&bob);
        bob.look_at(&alice);
        alice.say(&bob, &format!("alice {round}"));
        settle(&mut alice, &mut bob);
        bob.say(&alice, &format!("bob {round}"));
        settle(&mut alice, &mut bob);
        expected.extend([format!("alice {round}"), format!("bob {round}")]);
        assert_eq!(alice.texts(&bob), expected);
        assert_eq!(bob.texts(&alice), expected);
    }
    for party in [&alice, &bob] {
        assert_eq!(party.count("SELECT count(*) FROM send_group"), 1);
        assert_eq!(party.count("SELECT count(*) FROM retired_group"), 0);
        assert_eq!(party.count("SELECT count(*) FROM own_succession"), 3);
    }
}

#[test]
fn key_packages_of_before_still_serve() {
    let (mut alice, mut bob) = strangers();
    let old = bob.key_package();
    bob.rotate();
    alice.start(&bob);
    alice.contact_with(&bob, old);
    alice.say(&bob, "by an old package");
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["by an old package"]);
    // None of them is published any more.
    assert!(
        bob.read(|tx| crate::mls::key_packages::unpublished(tx))
            .is_empty()
    );
    let now = bob.clock_now();
    assert!(bob.read(move |tx| crate::mls::key_packages::last_resort_due(tx, now)));
}

#[test]
fn a_device_of_an_earlier_key_is_none_of_the_next() {
    let (alice, bob) = strangers();
    alice.say(&bob, "hello");
    let put = alice.seal(&bob).remove(0);
    // The account has another key now, which certifies another device only.
    let other = alice.reinstalled(SigningKey::generate(&OsRandom));
    bob.start(&other);
    bob.look_at(&other);
    // Neither with the pin of now nor with one that is out of date.
    for verified in [&other, &alice] {
        assert_eq!(
            bob.receive_batch(vec![verified.delivery(&put)]),
            [Outcome::Quarantined("certificate.invalid")]
        );
    }
}

#[test]
fn a_reinstalled_device_gets_what_the_old_one_never_read() {
    let (mut alice, mut bob) = acquainted();
    bob.say(&alice, "into the void");
    bob.send(&mut alice);
    alice.queue.clear();
    assert_eq!(bob.messages(&alice)[1].state, MessageState::Sent);

    let mut again = alice.reinstalled(alice.own.delegate_key.clone());
    again.say(&bob, "here I am again");
    settle(&mut again, &mut bob);
    assert_eq!(
        bob.texts(&alice),
        ["hello", "into the void", "here I am again"]
    );
    let mut texts = again.texts(&bob);
    texts.sort();
    assert_eq!(texts, ["here I am again", "into the void"]);
    bob.say(&alice, "and on");
    again.say(&bob, "both ways");
    settle(&mut again, &mut bob);
    assert_eq!(again.texts(&bob).len(), 4);
    for message in bob.messages(&alice).iter().filter(|it| it.mine()) {
        assert_eq!(message.state, MessageState::Delivered, "{message:?}");
    }
    assert_eq!(bob.count("SELECT count(*) FROM retired_group"), 1);
    assert_eq!(bob.count("SELECT count(*) FROM conversation"), 1);
}

#[test]
fn a_reinstalled_device_is_found_by_a_look_at_the_account() {
    let (alice, mut bob) = acquainted();
    let mut again = alice.reinstalled(alice.own.delegate_key.clone());
    bob.say(&alice, "are you there");
    bob.seal(&alice);
    bob.look_at(&again);
    assert_eq!(bob.messages(&alice)[1].state, MessageState::Sending);
    settle(&mut again, &mut bob);
    assert_eq!(again.texts(&bob), ["are you there"]);
    assert_eq!(bob.messages(&alice)[1].state, MessageState::Delivered);
    again.say(&bob, "yes");
    settle(&mut again, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "are you there", "yes"]);
}

#[test]
fn nothing_goes_out_to_a_peer_that_is_held_back() {
    let (mut alice, mut bob) = acquainted();
    let (did, key) = (alice.own.did.clone(), SigningKey::generate(&OsRandom));
    let hold = Hold {
        code: "account.key_changed".into(),
        key: Some(key.public()),
    };
    bob.say(&alice, "sealed before");
    bob.seal(&alice);
    bob.write(move |tx| holds::refuse(tx, &did, &hold));
    bob.write_to(&alice, "written after");
    assert_eq!(bob.send(&mut alice), 0);
    assert!(bob.read(outbox::waiting).is_empty());
    let id = ConversationId::of(&bob.own.did, &alice.own.did);
    let line = bob.read(move |tx| history::conversation(tx, &id));
    let (shown, confirmed) = line.unwrap().hold.unwrap();
    assert_eq!((shown.key, confirmed), (Some(key.public()), false));

    // Accepted: the other device, under the other key.
    let mut lost = alice.reinstalled(key);
    let (pin, roster) = (lost.pin(), roster(&lost.own));
    bob.write(move |tx| renew::accepted(tx, &pin, Some(&roster)));
    settle(&mut lost, &mut bob);
    assert_eq!(lost.texts(&bob), ["sealed before", "written after"]);
    assert!(
        bob.messages(&alice)
            .iter()
            .all(|it| it.state != MessageState::Sending)
    );
    // The old device reaches nobody any more.
    alice.say(&bob, "a thief");
    alice.send(&mut bob);
    bob.receive();
    assert_eq!(bob.texts(&alice).len(), 3);
}

#[test]
fn what_came_under_a_changed_key_is_read_after_it_is_accepted() {
    let (alice, mut bob) = acquainted();
    let mut lost = alice.reinstalled(SigningKey::generate(&OsRandom));
    lost.say(&bob, "it is me");
    let put = lost.seal(&bob).remove(0);
    assert!(matches!(put.route, Route::DidMailbox { .. }));
    let (from, bytes) = (lost.own.did.clone(), put.bytes.clone());
    bob.write(move |tx| receive::keep_for_later(tx, &from, &bytes));
    assert_eq!(bob.texts(&alice), ["hello"]);
    let (pin, roster) = (lost.pin(), roster(&lost.own));
    bob.write(move |tx| renew::accepted(tx, &pin, Some(&roster)));
    assert_eq!(bob.texts(&alice), ["hello", "it is me"]);
    settle(&mut lost, &mut bob);
    assert_eq!(lost.messages(&bob)[0].state, MessageState::Delivered);
}

#[test]
fn a_first_contact_that_was_never_answered_goes_to_the_accepted_key() {
    let (mut alice, mut bob) = strangers();
    for text in ["never read", "an hour later"] {
        bob.say(&alice, text);
        assert_eq!(bob.send(&mut alice), 1);
    }
    let mut lost = alice.reinstalled(SigningKey::generate(&OsRandom));
    // What the relay still has of before is for a device that is gone.
    lost.queue = std::mem::take(&mut alice.queue);
    assert_eq!(
        lost.receive(),
        [Outcome::Quarantined("welcome.no-key-package"); 2]
    );
    let (pin, roster) = (lost.pin(), roster(&lost.own));
    bob.write(move |tx| renew::accepted(tx, &pin, Some(&roster)));
    bob.say(&alice, "after it");
    settle(&mut lost, &mut bob);
    assert_eq!(
        lost.texts(&bob),
        ["never read", "an hour later", "after it"]
    );
    let states = bob.messages(&lost).into_iter().map(|it| it.state);
    assert_eq!(states.collect::<Vec<_>>(), [MessageState::Delivered; 3]);
}

#[test]
fn a_look_that_is_older_than_what_is_known_changes_nothing() {
    let (mut alice, bob) = acquainted();
    let before = alice.pin();
    alice.rotate();
    bob.look_at(&alice);
    bob.write(move |tx| peers::pin(tx, &before, 0).map(drop));
    let did = alice.own.did.clone();
    let known = bob.read(move |tx| peers::by_did(tx, &did)).unwrap();
    assert_eq!(known.pin.key, alice.own.delegate_key.public());
}

#[test]
fn another_device_in_the_same_place_begins_anew() {
    let (mut alice, mut bob) = acquainted();
    alice.say(&bob, "never sent");
    let next = alice.reinstalled(alice.own.delegate_key.clone()).own;
    let stored = next.clone();
    alice.write(move |tx| {
        forget::device(tx, &stored.did)?;
        own::store(tx, &stored)?;
        Ok::<_, crate::messages::EngineError>(())
    });
    alice.own = next;
    for table in [
        "SELECT count(*) FROM read_group",
        "SELECT count(*) FROM key_package",
    ] {
        assert_eq!(alice.count(table), 0);
    }
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "never sent"]);
    bob.say(&alice, "welcome back");
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["hello", "never sent", "welcome back"]);
}

#[test]
fn an_accepted_key_voids_grants_also_where_its_devices_are_not_known_yet() {
    let (alice, mut bob) = acquainted();
    let lost = alice.reinstalled(SigningKey::generate(&OsRandom));
    let pin = lost.pin();
    bob.write(move |tx| renew::accepted(tx, &pin, None));
    alice.write_to(&bob, "from a device of before");
    assert!(alice.send(&mut bob) > 0);
    assert_eq!(bob.receive(), [Outcome::Quarantined("grant.unknown")]);
    assert_eq!(bob.texts(&alice), ["hello"]);
}
