//! Loss and repair (docs/protocol.md §3.7): disks that were set back, peers that lie, and requests that
//! are lost themselves.

use crate::db::{DbError, conversations, incoming};
use crate::messages::requests::{self, Arrival};
use crate::messages::{EngineError, MessageState, Outcome, housekeep, renew};
use crate::testing::{self, Party, TestClock, settle};
use sotto_wire::claim;
use sotto_wire::conversation::ConversationId;
use sotto_wire::payload::{Lost, Payload};

use super::hostile::payload_of_alice;

const MINUTE: u64 = 60 * 1000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Party {
    fn housekeep(&self) {
        self.write(housekeep);
    }

    fn all_delivered(&self, other: &Party) {
        for message in self.messages(other).iter().filter(|it| it.mine()) {
            assert_eq!(message.state, MessageState::Delivered, "{message:?}");
        }
    }
}

/// Alice and Bob, whose relays have key packages for a long time. (openmls compares their lifetimes with
/// the real clock, so that those made when the test's clock was moved would be refused.)
fn acquainted() -> (Party, Party) {
    let (alice, bob) = testing::acquainted();
    publish(&alice);
    publish(&bob);
    (alice, bob)
}

fn publish(party: &Party) {
    let packages = (0..24).map(|_| party.key_package()).collect();
    party.packages.replace(packages);
}

/// Lets time go by, with everything that is done then.
fn pass(a: &mut Party, b: &mut Party, ms: u64) {
    a.clock.advance_ms(ms);
    for _ in 0..2 {
        a.housekeep();
        b.housekeep();
        settle(a, b);
    }
}

/// Both speak, and everything arrives.
fn go_on(a: &mut Party, b: &mut Party) {
    a.say(b, "and on");
    b.say(a, "both ways");
    settle(a, b);
    for hours in [2, 2] {
        pass(a, b, hours * HOUR);
    }
    for (one, other) in [(&*a, &*b), (&*b, &*a)] {
        one.all_delivered(other);
    }
    assert_eq!(a.texts(b).iter().filter(|it| *it == "both ways").count(), 1);
    assert_eq!(b.texts(a).iter().filter(|it| *it == "and on").count(), 1);
    let before = a.count(GROUPS) + b.count(GROUPS);
    pass(a, b, 2 * HOUR);
    pass(a, b, 2 * DAY);
    assert_eq!(a.count(GROUPS) + b.count(GROUPS), before, "a loop");
}

const GROUPS: &str = "SELECT count(*) FROM retired_group";

/// Words in both directions and a day of time, so that both have healed.
fn talk(a: &mut Party, b: &mut Party) {
    for (n, text) in ["one", "two"].into_iter().enumerate() {
        a.say(b, text);
        settle(a, b);
        b.say(a, &format!("heard {n}"));
        settle(a, b);
        a.clock.advance_ms(DAY + MINUTE);
    }
}

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
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    publish(&alice);
    publish(&bob);
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
fn a_device_that_acknowledges_nothing_is_contacted_as_if_for_the_first_time() {
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    publish(&alice);
    publish(&bob);
    let image = bob.copy();
    alice.say(&bob, "hello");
    settle(&mut alice, &mut bob);
    bob.restore(&image);
    alice.say(&bob, "are you there");
    for _ in 0..5 {
        pass(&mut alice, &mut bob, DAY);
    }
    assert!(bob.texts(&alice).is_empty() && alice.count(GROUPS) == 0);
    for _ in 0..5 {
        pass(&mut alice, &mut bob, DAY);
    }
    assert_eq!(bob.texts(&alice), ["are you there"]);
    // Without Bob's user doing anything.
    alice.all_delivered(&bob);
    assert_eq!(bob.notices(&alice), ["notice.set-back"]);
    go_on(&mut alice, &mut bob);
    assert_eq!(alice.count("SELECT count(*) FROM put"), 0);
}

#[test]
fn who_was_away_for_long_reads_everything_once_and_is_reached_by_grants_again() {
    let (mut alice, mut bob) = acquainted();
    alice.say(&bob, "one");
    for _ in 0..20 {
        alice.clock.advance_ms(DAY);
        alice.housekeep();
        alice.send(&mut bob);
    }
    assert_eq!(alice.count(GROUPS), 1, "once, however long it takes");
    alice.say(&bob, "two");
    alice.send(&mut bob);
    let by_grant = "SELECT count(*) FROM put WHERE peer_device IS NOT NULL";
    assert_eq!(alice.count(by_grant), 0);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "one", "two"]);
    alice.say(&bob, "three");
    alice.seal(&bob);
    assert_eq!(alice.count(by_grant), 1);
    settle(&mut alice, &mut bob);
    assert!(bob.notices(&alice).is_empty() && alice.notices(&bob).is_empty());
    go_on(&mut alice, &mut bob);
}

#[test]
fn who_forgot_an_epoch_that_the_peer_begins_with_says_so() {
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    publish(&alice);
    publish(&bob);
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
