//! What is asked for again, what is answered, and what proves nothing.

use super::super::hostile::payload_of_alice;
use super::*;
use crate::db::{DbError, conversations, incoming};
use crate::messages::requests::{self, Arrival};
use crate::messages::{EngineError, Outcome, renew};
use sotto_wire::claim;
use sotto_wire::conversation::ConversationId;
use sotto_wire::payload::{Lost, Payload};

#[test]
fn a_first_contact_for_a_forgotten_key_package_is_asked_for_again() {
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let image = bob.copy();
    publish(&alice);
    alice.say(&bob, "hello");
    alice.send(&mut bob);
    bob.restore(&image);
    assert_eq!(
        bob.receive(),
        [Outcome::Quarantined("welcome.no-key-package")]
    );
    assert_eq!(bob.notices(&alice), ["notice.repair-asked"]);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello"]);
    go_on(&mut alice, &mut bob);
}

#[test]
fn a_stranger_whose_request_waits_learns_nothing() {
    let clock = TestClock::new();
    let (alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let image = bob.copy();
    alice.say(&bob, "hello");
    let put = alice.seal(&bob).remove(0);
    bob.restore(&image);
    bob.write(|tx| incoming::choose(tx, claim::Incoming::None));
    let incoming = alice.delivery(&put);
    bob.write(move |tx| {
        let followed = false;
        requests::arrive(tx, vec![Arrival { incoming, followed }])
    });
    for table in ["lost_group", "outbox", "conversation", "message"] {
        let sql: &'static str = format!("SELECT count(*) FROM {table}").leak();
        assert_eq!(bob.count(sql), 0, "{table}");
    }
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 1);
}

/// A frame of Alice that names these groups.
fn naming(alice: &Party, bob: &Party, seq: u64, lost: Vec<Lost>) -> crate::messages::Incoming {
    let payload = Payload {
        seq,
        first: 1,
        lost,
        ..Payload::default()
    };
    payload_of_alice(alice, bob, &payload.encode())
}

fn own_group(party: &Party) -> [u8; 16] {
    party.read(|tx| Ok(tx.query_row("SELECT group_id FROM send_group", [], |row| row.get(0))?))
}

#[test]
fn what_was_read_beyond_a_gap_stays_behind_what_comes_in_the_next_group() {
    let (mut alice, mut bob) = acquainted();
    let image = bob.copy();
    for text in ["a", "b", "c"] {
        alice.say(&bob, text);
    }
    alice.send(&mut bob);
    bob.receive();
    bob.restore(&image);
    for text in ["d", "e"] {
        alice.say(&bob, text);
        alice.send(&mut bob);
        bob.receive();
    }
    assert_eq!(bob.texts(&alice), ["hello", "d", "e"]);
    alice.say(&bob, "f");
    let id = ConversationId::of(&alice.own.did, &bob.own.did);
    alice.write(move |tx| {
        let row = conversations::by_id(tx, &id)?.unwrap().row;
        renew::retire(tx, row)
    });
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "a", "b", "c", "d", "e", "f"]);
    alice.all_delivered(&bob);
    go_on(&mut alice, &mut bob);
}

#[test]
fn names_of_other_groups_are_ignored() {
    let (alice, bob) = acquainted();
    let lost = vec![
        Lost::Group([1; 16]),
        Lost::Group(own_group(&alice)),
        Lost::Welcome([2; 32]),
    ];
    let before = own_group(&bob);
    let frame = naming(&alice, &bob, 10, lost);
    assert_eq!(bob.receive_batch(vec![frame]), [Outcome::Control]);
    assert_eq!(own_group(&bob), before);
    assert!(bob.notices(&alice).is_empty());
}

#[test]
fn who_names_every_group_gets_one_an_hour() {
    let (alice, mut bob) = acquainted();
    for n in 0..20 {
        bob.seal(&alice);
        let frame = naming(&alice, &bob, 10 + n, vec![Lost::Group(own_group(&bob))]);
        bob.receive_batch(vec![frame]);
        bob.clock.advance_ms(10 * MINUTE);
        bob.housekeep();
    }
    let retired = bob.count(GROUPS);
    assert!((3..=4).contains(&retired), "{retired} in 200 minutes");
    assert_eq!(bob.notices(&alice).len(), 1);
    bob.reopen();
}

#[test]
fn frames_that_cannot_be_decrypted_prove_nothing() {
    let (mut alice, mut bob) = acquainted();
    let group = own_group(&bob);
    for n in 0..40 {
        // Sealed, and undone: the number of the ratchet is used again for the next one.
        let mut frame = payload_of_alice(&alice, &bob, &[n; 40]);
        spoil(&alice, &mut frame);
        let outcomes = bob.receive_batch(vec![frame]);
        assert_eq!(outcomes, [Outcome::Quarantined("message.undecryptable")]);
        settle(&mut alice, &mut bob);
        bob.clock.advance_ms(30 * MINUTE);
    }
    assert_eq!(bob.count("SELECT count(*) FROM lost_group"), 0);
    assert_eq!((own_group(&bob), bob.count(GROUPS)), (group, 0));
    assert!(bob.notices(&alice).is_empty());
}

/// Flips a bit inside of what the grant's seal covers.
fn spoil(alice: &Party, incoming: &mut crate::messages::Incoming) {
    use sotto_wire::frame::{self, SealKey};
    use sotto_wire::random::OsRandom;
    let seal: [u8; 32] =
        alice.read(|tx| Ok(tx.query_row("SELECT seal FROM held_grant", [], |row| row.get(0))?));
    let seal = SealKey::from_bytes(seal);
    let mut frame = frame::open(&incoming.bytes, &seal).unwrap();
    *frame.message.last_mut().unwrap() ^= 1;
    incoming.bytes = frame::seal(&frame, &seal, &OsRandom).unwrap();
}

#[test]
fn a_request_that_is_lost_is_made_again_and_not_for_ever() {
    let (mut alice, mut bob) = acquainted();
    let image = bob.copy();
    talk(&mut alice, &mut bob);
    bob.restore(&image);
    alice.say(&bob, "ahead");
    alice.send(&mut bob);
    assert_eq!(bob.receive(), [Outcome::Quarantined("message.ahead")]);
    let times = "SELECT coalesce(max(times), 0) FROM lost_group";
    for (wait, expected) in [
        (0, 1),
        (50 * MINUTE, 1),
        (11 * MINUTE, 2),
        (HOUR, 2),
        (DAY, 3),
        (2 * DAY, 3),
        (20 * DAY, 3),
    ] {
        bob.clock.advance_ms(wait);
        bob.reopen();
        bob.housekeep();
        // Sealed and accepted by the relay, which loses it.
        for _ in 0..3 {
            bob.send(&mut alice);
            alice.queue.clear();
        }
        assert_eq!(bob.count(times), expected, "after {wait} ms more");
    }
}

#[test]
fn a_crash_at_every_step_changes_nothing_about_a_repair() {
    let (mut alice, mut bob) = acquainted();
    let image = bob.copy();
    talk(&mut alice, &mut bob);
    bob.restore(&image);
    for n in 0..5 {
        alice.say(&bob, &format!("{n}"));
    }
    for _ in 0..12 {
        crashing_step(&mut alice, &mut bob);
        crashing_step(&mut bob, &mut alice);
    }
    settle(&mut alice, &mut bob);
    pass(&mut alice, &mut bob, 2 * HOUR);
    assert_eq!(bob.texts(&alice), ["hello", "0", "1", "2", "3", "4"]);
    go_on(&mut alice, &mut bob);
}

/// Everything is done twice: once and undone by a crash, and once for good.
fn crashing_step(one: &mut Party, other: &mut Party) {
    let queue = std::mem::take(&mut one.queue);
    let again = queue.clone();
    let crashed = one.db().write_blocking(move |tx| {
        crate::messages::receive::batch(tx, &queue)?;
        Err::<(), _>(EngineError::Db(DbError::Closed))
    });
    assert!(crashed.is_err());
    one.reopen();
    one.receive_batch(again);
    one.reopen();
    let id = ConversationId::of(&one.own.did, &other.own.did);
    let crashed = one.db().write_blocking(move |tx| {
        crate::messages::seal::next(tx, &id, 10)?;
        Err::<(), _>(EngineError::Db(DbError::Closed))
    });
    assert!(crashed.is_err());
    one.reopen();
    one.seal(other);
    one.reopen();
    one.send(other);
    one.reopen();
}
