use crate::db::DbError;
use crate::messages::{EngineError, Outcome, receive, seal};
use crate::outbox::PutResult;
use crate::testing::{Party, acquainted, settle};
use sotto_wire::conversation::ConversationId;

fn other_db_error() -> EngineError {
    EngineError::Db(DbError::Closed)
}

#[test]
fn sealed_bytes_survive_a_crash_before_the_put() {
    let (mut alice, mut bob) = acquainted();
    alice.say(&bob, "hi");
    let sealed = alice.seal(&bob);
    alice.reopen();
    assert_eq!(alice.due(), sealed, "the very same bytes");
    assert!(alice.seal(&bob).is_empty(), "nothing is sealed twice");
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "hi"]);
}

#[test]
fn a_ratchet_step_is_undone_with_its_transaction() {
    let (mut alice, mut bob) = acquainted();
    alice.say(&bob, "hi");
    let id = ConversationId::of(&alice.own.did, &bob.own.did);
    for _ in 0..3 {
        let undone = alice.db().write_blocking(move |tx| {
            assert_eq!(seal::next(tx, &id, 10)?.len(), 1);
            Err::<(), _>(other_db_error())
        });
        assert!(undone.is_err());
        assert!(alice.due().is_empty());
    }
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello", "hi"]);
}

/// Aborts the receiving transaction at many points, crashes, and delivers everything again.
#[test]
fn aborted_receiving_loses_and_doubles_nothing() {
    let (mut alice, mut bob) = acquainted();
    let mut expected = vec!["hello".to_owned()];
    // A fixed sequence of sizes instead of randomness: a failure can be repeated.
    for (round, size) in [1usize, 7, 3, 12, 2, 30, 5].into_iter().enumerate() {
        for n in 0..size {
            let text = format!("{round}.{n}");
            alice.say(&bob, &text);
            expected.push(text);
        }
        alice.send(&mut bob);
        let queue = bob.queue.clone();
        for kept in [0, size / 2, size] {
            let part = queue[..kept].to_vec();
            let aborted = bob.db().write_blocking(move |tx| {
                receive::batch(tx, &part)?;
                Err::<(), _>(other_db_error())
            });
            assert!(aborted.is_err());
            bob.reopen();
        }
        // Half of it is processed, but the relay never hears of it and delivers all again.
        bob.receive_batch(queue[..size / 2].to_vec());
        bob.reopen();
        let outcomes = bob.receive_batch(queue);
        bob.queue.clear();
        let news = outcomes
            .iter()
            .filter(|it| matches!(it, Outcome::Message(_)))
            .count();
        assert_eq!(news, size - size / 2);
        assert_eq!(bob.texts(&alice), expected);
    }
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 0);
    assert_eq!(
        bob.count("SELECT unread FROM conversation"),
        expected.len() as i64
    );
    settle(&mut alice, &mut bob);
    assert_eq!(
        alice.count("SELECT count(*) FROM message WHERE state <> 2"),
        0
    );
}

#[test]
fn aborted_first_contact_can_be_joined_later() {
    let clock = crate::testing::TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    alice.say(&bob, "hello");
    alice.send(&mut bob);
    let queue = bob.queue.clone();
    let aborted = bob.db().write_blocking(move |tx| {
        receive::batch(tx, &queue)?;
        Err::<(), _>(other_db_error())
    });
    assert!(aborted.is_err());
    bob.reopen();
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello"]);
}

#[test]
fn settling_after_the_acknowledgement_is_harmless() {
    let (mut alice, mut bob) = acquainted();
    alice.say(&bob, "hi");
    let put = alice.seal(&bob).remove(0);
    bob.queue.push(alice.delivery(&put));
    bob.receive();
    bob.send(&mut alice);
    alice.receive();
    for result in [PutResult::Accepted, PutResult::Refused("late".into())] {
        alice.settle(&put, result);
    }
    assert_eq!(
        alice.messages(&bob)[1].state,
        crate::messages::MessageState::Delivered
    );
}

#[test]
fn no_plaintext_on_the_disk() {
    const CANARY: &str = "canary-in-the-coal-mine";
    let (mut alice, mut bob) = acquainted();
    alice.say(&bob, CANARY);
    settle(&mut alice, &mut bob);
    assert!(bob.texts(&alice).contains(&CANARY.to_owned()));
    for party in [&alice, &bob] {
        for entry in std::fs::read_dir(party.dir.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for secret in [CANARY.as_bytes(), b"did:web:", b"SQLite format", b"openmls"] {
                let found = bytes.windows(secret.len()).any(|window| window == secret);
                assert!(!found, "{} is readable", String::from_utf8_lossy(secret));
            }
        }
    }
}
