//! Machines on which something is wrong: clocks, disks, another process, damaged rows. A message waits
//! or says so, and never vanishes.

use crate::db::DbError;
use crate::messages::{ComposeError, EngineError, MessageState, Outcome, compose, receive, seal};
use crate::outbox::{self, PutResult};
use crate::testing::{Party, TestClock, acquainted, settle};
use rusqlite::Connection;
use sotto_wire::conversation::ConversationId;
use std::time::{Duration, Instant};

const DAY: u64 = 86_400_000;
const YEAR: u64 = 365 * DAY;

fn id(one: &Party, other: &Party) -> ConversationId {
    ConversationId::of(&one.own.did, &other.own.did)
}

/// Alice and Bob, each with a clock of their own.
fn two_clocks() -> (Party, Party) {
    let mut alice = Party::new("alice", &TestClock::new());
    let mut bob = Party::new("bob", &TestClock::new());
    alice.say(&bob, "hello");
    settle(&mut alice, &mut bob);
    (alice, bob)
}

fn all_delivered(of: &Party, to: &Party) {
    for message in of.messages(to).iter().filter(|it| it.mine()) {
        assert_eq!(message.state, MessageState::Delivered, "{message:?}");
    }
    assert_eq!(of.count("SELECT count(*) FROM outbox"), 0);
    assert_eq!(of.count("SELECT count(*) FROM put"), 0);
}

#[test]
fn a_put_that_a_clock_a_year_ahead_put_off_is_due_when_it_is_set_back() {
    let (mut alice, mut bob) = two_clocks();
    alice.clock.advance_ms(YEAR);
    alice.say(&bob, "from the future");
    for put in alice.seal(&bob) {
        alice.settle(&put, PutResult::Unreachable);
    }
    assert!(alice.due().is_empty());
    alice.clock.set_back_ms(YEAR);
    assert_eq!(alice.due().len(), 1, "not in a year");
    alice.say(&bob, "and from now");
    settle(&mut alice, &mut bob);
    assert_eq!(
        bob.texts(&alice),
        ["hello", "from the future", "and from now"]
    );
    all_delivered(&alice, &bob);
}

#[test]
fn what_a_clock_a_year_ahead_verified_is_looked_at_again_when_it_is_set_back() {
    let (alice, bob) = two_clocks();
    alice.clock.advance_ms(YEAR);
    alice.look_at(&bob);
    alice.clock.set_back_ms(YEAR);
    alice.say(&bob, "hi");
    // Saying it was told of a fresh verification; the look of the year to come is what counts.
    alice.write(|tx| -> Result<(), DbError> {
        tx.execute(
            "UPDATE peer SET verified_at = verified_at + 31536000000",
            [],
        )?;
        Ok(())
    });
    let due = alice.read(outbox::to_check);
    assert_eq!(due, std::slice::from_ref(&bob.own.did));
    let now = alice.clock_ms();
    let verified = alice.read(move |tx| crate::db::peers::verified_before(tx, 0, now, &[]));
    assert_eq!(verified, Some(bob.own.did.clone()));
}

#[test]
fn a_grant_that_has_expired_by_a_clock_that_is_ahead_is_kept() {
    let mut alice = Party::new("alice", &TestClock::new());
    let mut bob = Party::new("bob", &TestClock::new());
    alice.say(&bob, "hello");
    alice.send(&mut bob);
    bob.receive();
    bob.send(&mut alice);
    alice.clock.advance_ms(100 * DAY);
    assert_eq!(alice.receive(), [Outcome::Control]);
    alice.clock.set_back_ms(100 * DAY);
    alice.say(&bob, "by a grant");
    alice.seal(&bob);
    assert_eq!(
        alice.count("SELECT count(*) FROM put WHERE peer_device IS NOT NULL"),
        1
    );
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "by a grant"]);
    all_delivered(&alice, &bob);
}

#[test]
fn clocks_a_year_off_either_way_on_either_side_lose_and_disorder_nothing() {
    for (hers, his) in [(1, 0), (0, 1), (1, 1)] {
        let (mut alice, mut bob) = two_clocks();
        // Ahead, and back again while both are running: from there it was a year behind.
        for round in 0..2 {
            alice.clock.advance_ms(hers * YEAR);
            bob.clock.advance_ms(his * YEAR);
            alice.say(&bob, &format!("a{round}"));
            bob.say(&alice, &format!("b{round}"));
            alice.send(&mut bob);
            bob.send(&mut alice);
            alice.clock.set_back_ms(hers * YEAR);
            bob.clock.set_back_ms(his * YEAR);
            alice.say(&bob, &format!("c{round}"));
            // What was refused by a wrong clock is read after the next look at the account.
            alice.receive();
            bob.receive();
            alice.look_at(&bob);
            bob.look_at(&alice);
            settle(&mut alice, &mut bob);
        }
        let heard = |by: &Party, from: &Party| -> Vec<String> {
            let heard = by.messages(from).into_iter().filter(|it| !it.mine());
            heard.filter_map(|it| it.text).collect()
        };
        assert_eq!(
            heard(&bob, &alice),
            ["hello", "a0", "c0", "a1", "c1"],
            "{hers} {his}"
        );
        assert_eq!(heard(&alice, &bob), ["b0", "b1"], "{hers} {his}");
        all_delivered(&alice, &bob);
        all_delivered(&bob, &alice);
        for party in [&alice, &bob] {
            assert_eq!(
                party.count("SELECT count(*) FROM quarantine"),
                0,
                "{hers} {his}"
            );
        }
    }
}

/// Lets the database grow by this many pages, and no more.
fn room(of: &Party, pages: u32) {
    of.write(move |tx| -> Result<(), DbError> {
        let now: u32 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let sql = format!("PRAGMA max_page_count = {}", now.saturating_add(pages));
        tx.query_row(&sql, [], |_| Ok(()))?;
        Ok(())
    });
}

#[test]
fn on_a_full_disk_nothing_is_half_done_and_with_room_everything_goes_on() {
    let (mut alice, mut bob) = acquainted();
    let long = |n: usize| format!("{n} {}", "long ".repeat(2000));
    for n in 0..30 {
        alice.say(&bob, &long(n));
    }
    // Received: an error, nothing acknowledged, nothing half stored.
    alice.seal(&bob);
    let due = alice.due();
    let arrived: Vec<_> = due.iter().map(|put| alice.delivery(put)).collect();
    room(&bob, 2);
    let batch = arrived.clone();
    let refused = bob
        .db()
        .write_blocking(move |tx| receive::batch(tx, &batch));
    let full = |error: &EngineError| error.code() == "database.full";
    assert!(refused.as_ref().is_err_and(full), "{refused:?}");
    assert_eq!(bob.texts(&alice), ["hello"]);
    // Composed: refused by name; what was taken before stays.
    let to = id(&bob, &alice);
    let mut taken = 0;
    let error = loop {
        let text = long(taken);
        match bob
            .db()
            .write_blocking(move |tx| compose::text(tx, &to, &text))
        {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 50, "the disk is full");
    };
    assert!(
        matches!(error, ComposeError::Db(DbError::Full)),
        "{error:?}"
    );
    assert_eq!(bob.messages(&alice).len(), 1 + taken);
    // Sealed: not at all rather than a ratchet step without its bytes.
    let sealed = bob.db().write_blocking(move |tx| seal::next(tx, &to, 64));
    if taken > 0 {
        assert!(sealed.as_ref().is_err_and(full), "{sealed:?}");
        assert!(bob.due().is_empty());
    }
    room(&bob, 1_000_000);
    bob.receive_batch(arrived);
    for put in &due {
        alice.settle(put, PutResult::Accepted);
    }
    settle(&mut alice, &mut bob);
    let heard: Vec<_> = bob
        .messages(&alice)
        .into_iter()
        .filter(|it| !it.mine())
        .collect();
    assert_eq!(heard.len(), 31);
    for (n, message) in heard.iter().skip(1).enumerate() {
        assert_eq!(message.text, Some(long(n)));
    }
    all_delivered(&alice, &bob);
    all_delivered(&bob, &alice);
}

fn another_process(party: &Party) -> Connection {
    let other = Connection::open(party.path()).unwrap();
    let key = format!("PRAGMA key = \"x'{}'\"", "07".repeat(32));
    other.execute_batch(&key).unwrap();
    other
        .execute_batch("PRAGMA cipher_hmac_algorithm = HMAC_SHA256")
        .unwrap();
    other
}

#[test]
fn a_database_that_another_process_holds_is_waited_for_named_and_gone_on_with() {
    let (mut alice, mut bob) = acquainted();
    let other = another_process(&bob);
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let to = id(&bob, &alice);
    let begun = Instant::now();
    let refused = bob
        .db()
        .write_blocking(move |tx| compose::text(tx, &to, "kept"));
    assert!(matches!(refused, Err(ComposeError::Db(DbError::Locked))));
    assert!(
        begun.elapsed() >= Duration::from_secs(4),
        "it was waited for"
    );
    assert_eq!(bob.texts(&alice), ["hello"], "reading goes on");
    // Let go while somebody waits.
    let (_silent, wait) = std::sync::mpsc::channel::<()>();
    let releasing = std::thread::spawn(move || {
        assert!(wait.recv_timeout(Duration::from_millis(300)).is_err());
        other.execute_batch("ROLLBACK").unwrap();
    });
    bob.write(move |tx| compose::text(tx, &to, "kept"));
    releasing.join().unwrap();
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), ["hello", "kept"]);
    all_delivered(&bob, &alice);
}

#[test]
fn a_damaged_row_of_one_conversation_stops_no_other() {
    let clock = TestClock::new();
    let [mut alice, mut bob, mut carol] =
        ["alice", "bob", "carol"].map(|name| Party::new(name, &clock));
    for friend in [&mut alice, &mut carol] {
        friend.say(&bob, "hello");
        settle(friend, &mut bob);
    }
    bob.write(|tx| -> Result<(), DbError> {
        tx.pragma_update(None, "ignore_check_constraints", true)?;
        tx.execute(
            "UPDATE issued_grant SET seal = x'00' WHERE peer_device =
               (SELECT device.id FROM peer_device device JOIN peer ON peer.id = device.peer
                WHERE peer.did LIKE '%alice%')",
            [],
        )?;
        Ok(())
    });
    for friend in [&alice, &carol] {
        friend.say(&bob, "again");
        friend.send(&mut bob);
    }
    let outcomes = bob.receive();
    assert!(
        matches!(
            outcomes[..],
            [
                Outcome::Quarantined("envelope.internal"),
                Outcome::Message(_)
            ]
        ),
        "{outcomes:?}"
    );
    assert_eq!(bob.texts(&carol), ["hello", "again"]);
    // What it said is kept, and its sender does not take it for delivered.
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 1);
    assert_eq!(alice.messages(&bob)[1].state, MessageState::Sent);
}

#[test]
fn weeks_offline_on_both_sides_end_in_delivery_or_in_a_visible_failure() {
    // The receiver is away for 29 days: everything waits for it.
    let (mut alice, mut bob) = acquainted();
    alice.say(&bob, "one");
    alice.say(&bob, "two");
    alice.send(&mut bob);
    alice.clock.advance_ms(29 * DAY);
    alice.write(crate::messages::housekeep);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "one", "two"]);
    all_delivered(&alice, &bob);
    // For 31 days: the relay has dropped it, the sender has repeated it and says that it failed.
    alice.say(&bob, "three");
    for _ in 0..31 {
        alice.send(&mut bob);
        bob.queue.clear();
        alice.clock.advance_ms(DAY);
    }
    alice.write(crate::messages::housekeep);
    let failed = alice.messages(&bob).pop().unwrap();
    assert_eq!(failed.state, MessageState::Failed);
    assert_eq!(failed.error.as_deref(), Some("message.expired"));
    // By hand it goes out once more, and arrives once.
    alice.write(move |tx| crate::messages::retry(tx, failed.id));
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "one", "two", "three"]);
    all_delivered(&alice, &bob);
}
