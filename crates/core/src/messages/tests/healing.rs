//! Commits at work (docs/protocol.md §3.8): who copied a state is shut out, and nobody else is.

use crate::db::DbError;
use crate::messages::{EngineError, Incoming, Outcome, Source, receive, seal};
use crate::mls::tests::epoch_of;
use crate::mls::{Commit, Message, Session};
use crate::outbox::PutResult;
use crate::testing::{Party, TestClock, acquainted, settle};
use sotto_wire::conversation::ConversationId;
use sotto_wire::frame::{self, Frame, SealKey};
use std::collections::HashSet;

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Says something, has everything delivered both ways, and gives what was delivered to the other
/// side on the way.
fn exchange(from: &mut Party, to: &mut Party, text: &str) -> Vec<Incoming> {
    from.say(to, text);
    let mut captured = Vec::new();
    for _ in 0..16 {
        let moved = from.send(to) + to.send(from);
        captured.extend(to.queue.iter().cloned());
        from.receive();
        to.receive();
        if moved == 0 {
            return captured;
        }
    }
    panic!("the two never come to rest");
}

/// A send group as its owner or a reader has it.
fn group_of(party: &Party, table: &'static str) -> Vec<u8> {
    party.read(move |tx| {
        let sql = format!("SELECT group_id FROM {table} ORDER BY id DESC LIMIT 1");
        Ok(tx.query_row(&sql, [], |row| row.get(0))?)
    })
}

fn own_epoch(party: &Party) -> (u64, Vec<u8>) {
    let group = group_of(party, "send_group");
    party.write(move |tx| Ok::<_, DbError>(epoch_of(tx, &group)))
}

fn read_epoch(party: &Party) -> (u64, Vec<u8>) {
    let group = group_of(party, "read_group");
    party.write(move |tx| Ok::<_, DbError>(epoch_of(tx, &group)))
}

fn reads(thief: &Party, frames: &[Incoming]) -> bool {
    frames.iter().any(|it| {
        matches!(
            thief.receive_batch(vec![it.clone()])[0],
            Outcome::Message(_)
        )
    })
}

/// What is inside a frame for this party.
fn opened(by: &Party, incoming: &Incoming) -> Frame {
    let Source::Grant(address) = incoming.source.clone() else {
        panic!("not by a grant")
    };
    let seal: [u8; 32] = by.read(move |tx| {
        let sql = "SELECT seal FROM issued_grant WHERE address = ?1";
        Ok(tx.query_row(sql, [address.as_str()], |row| row.get(0))?)
    });
    frame::open(&incoming.bytes, &SealKey::from_bytes(seal)).unwrap()
}

/// The same frame with something else inside.
fn sealed_anew(by: &Party, incoming: &Incoming, change: impl FnOnce(&mut Frame)) -> Incoming {
    let Source::Grant(address) = incoming.source.clone() else {
        panic!("not by a grant")
    };
    let mut frame = opened(by, incoming);
    change(&mut frame);
    let seal: [u8; 32] = by.read(move |tx| {
        let sql = "SELECT seal FROM issued_grant WHERE address = ?1";
        Ok(tx.query_row(sql, [address.as_str()], |row| row.get(0))?)
    });
    let mut changed = incoming.clone();
    changed.bytes = frame::seal(
        &frame,
        &SealKey::from_bytes(seal),
        &sotto_wire::random::OsRandom,
    )
    .unwrap();
    changed
}

fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Quarantined(code) => code,
        other => panic!("{other:?}"),
    }
}

/// Says something and gives the frame without delivering it.
fn said(from: &Party, to: &Party, text: &str) -> Incoming {
    from.say(to, text);
    let mut puts = from.seal(to);
    let put = puts.remove(0);
    assert!(puts.is_empty());
    from.settle(&put, PutResult::Accepted);
    from.delivery(&put)
}

/// Alice, Bob and a copy of Bob's disk, after Alice spoke.
fn with_a_thief() -> (Party, Party, Party) {
    let (mut alice, mut bob) = acquainted();
    exchange(&mut bob, &mut alice, "how are you");
    exchange(&mut alice, &mut bob, "fine");
    let thief = bob.copy();
    (alice, bob, thief)
}

#[test]
fn a_stolen_copy_is_shut_out_after_one_exchange() {
    let (mut alice, mut bob, thief) = with_a_thief();
    let stolen = own_epoch(&thief);
    assert_eq!(stolen, own_epoch(&bob), "the thief has it all");
    assert_eq!(read_epoch(&thief), own_epoch(&alice));

    exchange(&mut bob, &mut alice, "bob to alice");
    assert_ne!(stolen, own_epoch(&bob), "what Bob says is closed");
    let answer = exchange(&mut alice, &mut bob, "alice to bob");
    let later = exchange(&mut alice, &mut bob, "later");
    assert!(!reads(&thief, &answer) && !reads(&thief, &later));
    assert_eq!(thief.texts(&alice).last().unwrap(), "fine");
    assert_ne!(read_epoch(&thief), own_epoch(&alice));
    // And so it stays.
    let more = exchange(&mut bob, &mut alice, "and on");
    assert!(!reads(&thief, &more));
    assert_ne!(stolen, own_epoch(&bob));
    assert_eq!(bob.texts(&alice), alice.texts(&bob));
}

#[test]
fn a_copy_of_who_began_is_shut_out_as_well() {
    let (mut alice, mut bob) = acquainted();
    exchange(&mut alice, &mut bob, "fine");
    exchange(&mut bob, &mut alice, "good");
    let thief = alice.copy();
    let stolen = own_epoch(&thief);
    exchange(&mut alice, &mut bob, "alice to bob");
    let answer = exchange(&mut bob, &mut alice, "bob to alice");
    let later = exchange(&mut bob, &mut alice, "later");
    assert!(!reads(&thief, &answer) && !reads(&thief, &later));
    assert_ne!(stolen, own_epoch(&alice));
    assert_ne!(read_epoch(&thief), own_epoch(&bob));
}

#[test]
fn without_commits_a_stolen_copy_reads_on() {
    let (mut alice, mut bob, thief) = with_a_thief();
    for party in [&alice, &bob] {
        party.write(|tx| {
            tx.execute("UPDATE mixed_epoch SET epoch = 1000", [])?;
            Ok::<_, DbError>(())
        });
    }
    exchange(&mut bob, &mut alice, "bob to alice");
    assert_eq!(own_epoch(&thief), own_epoch(&bob));
    let answer = exchange(&mut alice, &mut bob, "alice to bob");
    let later = exchange(&mut alice, &mut bob, "later");
    assert!(reads(&thief, &answer) && reads(&thief, &later));
}

#[test]
fn what_was_read_stays_closed_whenever_the_state_is_copied() {
    let (mut alice, mut bob) = acquainted();
    let mut read: Vec<Incoming> = Vec::new();
    for step in 0..12 {
        let next = said(&alice, &bob, &format!("{step}"));
        let before = bob.copy();
        bob.queue.push(next.clone());
        bob.receive();
        let after = bob.copy();
        read.push(next.clone());
        // Inside the groups, past everything by which the engine knows a frame again.
        let message = opened(&bob, &next);
        assert!(opens(&before, &message), "a copy from before can");
        for frame in &read {
            assert!(!opens(&after, &opened(&bob, frame)));
        }
        if step % 3 == 2 {
            exchange(&mut bob, &mut alice, "mm");
        }
    }
    let distinct: HashSet<_> = read.iter().map(|it| opened(&bob, it).commits).collect();
    assert!(distinct.len() > 3, "commits came in between");
}

fn opens(by: &Party, frame: &Frame) -> bool {
    let frame = frame.clone();
    let (own, now) = (group_of(by, "send_group"), read_epoch(by).0);
    by.db()
        .write_blocking(move |tx| {
            let mut session = Session::storing_each_time(tx);
            for bytes in &frame.commits {
                let commit = Commit::parse(bytes)?;
                if commit.epoch() >= now {
                    session.follow(commit, Some(&own), &[])?;
                }
            }
            session.open(Message::parse(&frame.message)?).map(drop)
        })
        .is_ok()
}

#[test]
fn both_commit_at_once() {
    let (mut alice, mut bob, _) = with_a_thief();
    for round in 0..5 {
        alice.clock.advance_ms(DAY);
        let before = (own_epoch(&alice), own_epoch(&bob));
        exchange_at_once(&mut alice, &mut bob, round);
        assert_ne!(own_epoch(&bob), before.1);
        assert_ne!(own_epoch(&alice), before.0);
    }
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 0);
    assert_eq!(alice.count("SELECT count(*) FROM quarantine"), 0);
    assert_eq!(alice.texts(&bob).len(), bob.texts(&alice).len());
}

fn exchange_at_once(alice: &mut Party, bob: &mut Party, round: u32) {
    alice.say(bob, &format!("alice {round}"));
    bob.say(alice, &format!("bob {round}"));
    let both = alice.send(bob) + bob.send(alice);
    assert_eq!(both, 2);
    settle(alice, bob);
}

#[test]
fn any_frame_brings_a_commit_that_was_lost() {
    let (alice, bob, _) = with_a_thief();
    // Bob's commit is lost with the frames that brought it; the third frame still does.
    let frames: Vec<Incoming> = (0..3)
        .map(|n| said(&bob, &alice, &format!("{n}")))
        .collect();
    let mut alice = alice;
    assert!(
        frames
            .iter()
            .all(|it| opened(&alice, it).commits.len() == 1)
    );
    alice.queue.push(frames[2].clone());
    assert!(matches!(alice.receive()[0], Outcome::Message(_)));
    // And those that were lost come after all, as they were sealed.
    alice.queue.extend([frames[1].clone(), frames[0].clone()]);
    assert!(
        alice
            .receive()
            .iter()
            .all(|it| matches!(it, Outcome::Message(_)))
    );
    let texts = alice.texts(&bob);
    assert_eq!(&texts[texts.len() - 3..], ["0", "1", "2"]);
}

#[test]
fn the_first_message_after_a_commit_and_one_that_it_overtook_are_read() {
    let (mut alice, mut bob, _) = with_a_thief();
    let early = said(&bob, &alice, "early");
    // Four more commits overtake it: time makes them due.
    for n in 0..3 {
        alice.clock.advance_ms(DAY);
        let frame = said(&bob, &alice, &format!("{n}"));
        alice.queue.push(frame);
        assert!(matches!(alice.receive()[0], Outcome::Message(_)));
    }
    let after = read_epoch(&alice).0;
    alice.queue.push(early);
    assert!(matches!(alice.receive()[0], Outcome::Message(_)));
    assert_eq!(read_epoch(&alice).0, after, "it leads nowhere back");
    let texts = alice.texts(&bob);
    assert_eq!(&texts[texts.len() - 4..], ["early", "0", "1", "2"]);
    settle(&mut alice, &mut bob);
    assert_eq!(
        bob.count("SELECT count(*) FROM message WHERE state IN (0, 1)"),
        0
    );
}

#[test]
fn a_peer_that_was_away_for_weeks_catches_up() {
    let (mut alice, mut bob, _) = with_a_thief();
    let mut expected = alice.texts(&bob);
    let mut frames = Vec::new();
    for day in 0..25 {
        bob.clock.advance_ms(DAY);
        for n in 0..8 {
            let text = format!("{day}.{n}");
            frames.push(said(&bob, &alice, &text));
            expected.push(text);
        }
    }
    assert_eq!(
        bob.count("SELECT count(*) FROM own_commit"),
        4,
        "no more than that without acknowledgement"
    );
    alice.queue = frames;
    alice.receive();
    assert_eq!(alice.texts(&bob), expected);
    settle(&mut alice, &mut bob);
    assert_eq!(bob.count("SELECT count(*) FROM own_commit"), 0);
    exchange(&mut bob, &mut alice, "there you are");
    assert_eq!(alice.count("SELECT count(*) FROM quarantine"), 0);
}

#[test]
fn a_commit_is_due_after_a_hundred_messages_or_a_day() {
    let (alice, mut bob, _) = with_a_thief();
    let mut alice = alice;
    exchange(&mut bob, &mut alice, "first");
    let (start, _) = own_epoch(&bob);
    // Sealed in this epoch: "first".
    for n in 0..99 {
        bob.say(&alice, &format!("{n}"));
    }
    bob.seal(&alice);
    assert_eq!(own_epoch(&bob).0, start);
    bob.say(&alice, "the hundred and first");
    bob.seal(&alice);
    assert_eq!(own_epoch(&bob).0, start + 1);
    bob.clock.advance_ms(DAY - 1);
    bob.say(&alice, "a day later, almost");
    bob.seal(&alice);
    assert_eq!(own_epoch(&bob).0, start + 1);
    bob.clock.advance_ms(1);
    bob.say(&alice, "a day later");
    bob.seal(&alice);
    assert_eq!(own_epoch(&bob).0, start + 2);
    settle(&mut bob, &mut alice);
    assert_eq!(alice.texts(&bob), bob.texts(&alice));
}

#[test]
fn a_thousand_messages_to_somebody_who_is_away_arrive_in_order() {
    let (mut alice, mut bob, _) = with_a_thief();
    for n in 0..1200 {
        bob.say(&alice, &format!("{n}"));
    }
    settle(&mut bob, &mut alice);
    assert_eq!(alice.texts(&bob), bob.texts(&alice));
    assert_eq!(alice.count("SELECT count(*) FROM quarantine"), 0);
    assert_eq!(bob.count("SELECT count(*) FROM own_commit"), 0);
}

#[test]
fn a_commit_that_needs_an_unknown_secret_is_ahead_and_harms_nothing() {
    let (mut alice, mut bob, _) = with_a_thief();
    // Alice mixes an epoch of Bob's group in that Bob leaves before he reads of it.
    exchange(&mut bob, &mut alice, "x");
    let frame = said(&alice, &bob, "needs a secret");
    bob.clock.advance_ms(DAY);
    said(&bob, &alice, "in another epoch");
    assert_eq!(bob.count("SELECT count(*) FROM openmls_psks"), 1);
    bob.write(|tx| {
        tx.execute_batch(
            "CREATE TEMP TABLE hidden AS SELECT * FROM openmls_psks; DELETE FROM openmls_psks",
        )?;
        Ok::<_, DbError>(())
    });
    let before = read_epoch(&bob);
    assert_eq!(
        code(&bob.receive_batch(vec![frame.clone()])[0]),
        "message.ahead"
    );
    assert_eq!(read_epoch(&bob), before);
    bob.write(|tx| {
        tx.execute_batch("INSERT INTO openmls_psks SELECT * FROM hidden")?;
        Ok::<_, DbError>(())
    });
    assert!(matches!(
        bob.receive_batch(vec![frame])[0],
        Outcome::Message(_)
    ));
}

#[test]
fn a_message_of_a_later_epoch_waits_for_the_commit() {
    let (mut alice, bob, _) = with_a_thief();
    let frames: Vec<Incoming> = (0..2)
        .map(|n| said(&bob, &alice, &format!("{n}")))
        .collect();
    let bare = sealed_anew(&alice, &frames[1], |frame| frame.commits.clear());
    assert_eq!(code(&alice.receive_batch(vec![bare])[0]), "message.ahead");
    alice.queue.push(frames[0].clone());
    assert!(matches!(alice.receive()[0], Outcome::Message(_)));
    let texts = alice.texts(&bob);
    assert_eq!(&texts[texts.len() - 2..], ["0", "1"], "it was kept");
    assert_eq!(alice.count("SELECT count(*) FROM quarantine"), 0);
}

#[test]
fn commits_that_lead_nowhere_spoil_one_frame_only() {
    let (mut alice, mut bob, _) = with_a_thief();
    let good = said(&bob, &alice, "good");
    let next = said(&bob, &alice, "next");
    let before = read_epoch(&alice);
    let message = opened(&alice, &good).message;
    type Change = Box<dyn FnOnce(&mut Frame)>;
    let bad: Vec<(&str, Change)> = vec![
        (
            "commit.malformed",
            Box::new(|it| it.commits[0] = vec![1, 2, 3]),
        ),
        (
            "commit.malformed",
            Box::new(move |it| it.commits[0] = message),
        ),
        (
            "commit.invalid",
            Box::new(|it| *it.commits[0].last_mut().unwrap() ^= 1),
        ),
        (
            "message.undecryptable",
            Box::new(|it| *it.message.last_mut().unwrap() ^= 1),
        ),
    ];
    for (expected, change) in bad {
        let frame = sealed_anew(&alice, &good, change);
        // In a batch with others, and alone.
        assert_eq!(code(&alice.receive_batch(vec![frame.clone()])[0]), expected);
        assert_eq!(read_epoch(&alice), before, "{expected}: undone");
    }
    alice.clock.advance_ms(DAY);
    let elsewhere = said(&alice, &bob, "elsewhere");
    let foreign = opened(&bob, &elsewhere).commits;
    let frame = sealed_anew(&alice, &good, |it| it.commits = foreign);
    assert_eq!(
        code(&alice.receive_batch(vec![frame])[0]),
        "commit.other-group"
    );
    bob.queue.push(elsewhere);
    let spoiled = sealed_anew(&alice, &next, |it| *it.message.last_mut().unwrap() ^= 1);
    let outcomes = alice.receive_batch(vec![good, spoiled, next]);
    assert!(matches!(outcomes[0], Outcome::Message(_)));
    assert!(matches!(
        outcomes[1],
        Outcome::Quarantined("message.undecryptable")
    ));
    assert!(matches!(outcomes[2], Outcome::Message(_)));
    settle(&mut alice, &mut bob);
    assert!(alice.texts(&bob).contains(&"next".to_owned()));
    assert_eq!(alice.texts(&bob).len(), bob.texts(&alice).len());
}

fn other_db_error() -> EngineError {
    EngineError::Db(DbError::Closed)
}

#[test]
fn a_commit_is_undone_with_its_transaction() {
    let (mut alice, mut bob, _) = with_a_thief();
    for round in 0..4 {
        bob.say(&alice, &format!("bob {round}"));
        let id = ConversationId::of(&alice.own.did, &bob.own.did);
        let before = own_epoch(&bob);
        for _ in 0..2 {
            let undone = bob.db().write_blocking(move |tx| {
                seal::next(tx, &id, 10)?;
                Err::<(), _>(other_db_error())
            });
            assert!(undone.is_err());
            assert_eq!(own_epoch(&bob), before);
            bob.reopen();
        }
        bob.send(&mut alice);
        assert_ne!(own_epoch(&bob), before);
        let (queue, read) = (alice.queue.clone(), read_epoch(&alice));
        for _ in 0..2 {
            let queue = queue.clone();
            let undone = alice.db().write_blocking(move |tx| {
                receive::batch(tx, &queue)?;
                Err::<(), _>(other_db_error())
            });
            assert!(undone.is_err());
            assert_eq!(read_epoch(&alice), read);
            alice.reopen();
        }
        settle(&mut alice, &mut bob);
        assert_eq!(read_epoch(&alice), own_epoch(&bob));
        exchange(&mut alice, &mut bob, "go on");
    }
    assert_eq!(alice.texts(&bob), bob.texts(&alice));
    for party in [&alice, &bob] {
        assert_eq!(party.count("SELECT count(*) FROM quarantine"), 0);
    }
}

#[test]
fn nothing_is_sealed_after_a_reopening_but_after_a_commit() {
    let (mut alice, mut bob, _) = with_a_thief();
    exchange(&mut bob, &mut alice, "x");
    let before = own_epoch(&bob).0;
    exchange(&mut bob, &mut alice, "the same epoch");
    assert_eq!(own_epoch(&bob).0, before);
    bob.reopen();
    exchange(&mut bob, &mut alice, "another one");
    assert_eq!(own_epoch(&bob).0, before + 1);
    // An acknowledgement alone is something that is sealed.
    bob.reopen();
    let next = bob.count("SELECT next_seq FROM send_group");
    exchange(&mut alice, &mut bob, "to be acknowledged");
    assert_eq!(own_epoch(&bob).0, before + 2);
    assert_eq!(bob.count("SELECT next_seq FROM send_group"), next + 1);
    exchange(&mut alice, &mut bob, "and once more");
    assert_eq!(bob.count("SELECT next_seq FROM send_group"), next + 1);
    assert_eq!(alice.texts(&bob), bob.texts(&alice));
}

#[test]
fn a_restored_image_never_seals_with_a_key_that_was_used() {
    let (alice, mut bob, _) = with_a_thief();
    let image = bob.copy();
    // Each epoch in which something is sealed, by what is another one in every epoch.
    let sealing = |bob: &Party, n: u32| {
        said(bob, &alice, &format!("{n}"));
        own_epoch(bob)
    };
    let mut used: HashSet<(u64, Vec<u8>)> = (0..3).map(|n| sealing(&bob, n)).collect();
    for round in 0..3 {
        bob.restore(&image);
        let again: HashSet<_> = (10..13).map(|n| sealing(&bob, n + round)).collect();
        assert!(again.is_disjoint(&used));
        used.extend(again);
    }
    // Were it not for the commit, they would be the same.
    bob.restore(&image);
    let unhealed = own_epoch(&bob);
    bob.write(|tx| {
        tx.execute("UPDATE send_group SET session = ?1", [tx.session()])?;
        tx.execute("UPDATE mixed_epoch SET epoch = 1000", [])?;
        Ok::<_, DbError>(())
    });
    assert_eq!(sealing(&bob, 20), unhealed);
}

#[test]
fn a_group_that_nobody_answers_is_replaced_when_reopenings_have_worn_it_out() {
    let (mut alice, mut bob, _) = with_a_thief();
    let mut expected = alice.texts(&bob);
    let group = group_of(&bob, "send_group");
    let mut frames = Vec::new();
    for n in 0..8 {
        bob.reopen();
        let text = format!("{n}");
        bob.say(&alice, &text);
        expected.push(text);
        while bob.seal(&alice).is_empty() {}
        for put in bob.due() {
            frames.push(bob.delivery(&put));
            bob.settle(&put, PutResult::Accepted);
        }
    }
    assert_ne!(group_of(&bob, "send_group"), group);
    assert!(bob.count("SELECT count(*) FROM retired_epoch") > 0);
    alice.queue = frames;
    alice.receive();
    settle(&mut alice, &mut bob);
    assert_eq!(alice.texts(&bob), expected);
    exchange(&mut alice, &mut bob, "there you are");
    assert_eq!(alice.texts(&bob), bob.texts(&alice));
    assert_eq!(bob.count("SELECT count(*) FROM retired_epoch"), 0);
    assert_eq!(bob.count("SELECT count(*) FROM openmls_psks"), 0);
}

#[test]
fn first_contacts_that_nobody_answers_are_not_sent_twice_over() {
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let mut expected = Vec::new();
    for n in 0..9 {
        alice.reopen();
        let text = format!("{n}");
        alice.say(&bob, &text);
        expected.push(text);
        alice.send(&mut bob);
    }
    assert_eq!(alice.count("SELECT count(*) FROM retired_group"), 0);
    assert_eq!(
        bob.queue.len(),
        6,
        "the group was new, and then there were five commits"
    );
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), expected);
    assert_eq!(
        alice.count("SELECT count(*) FROM message WHERE state <> 2"),
        0
    );
}

#[test]
fn secrets_of_past_epochs_are_forgotten_when_they_are_acknowledged() {
    let (mut alice, mut bob, _) = with_a_thief();
    for n in 0..10 {
        exchange(&mut alice, &mut bob, &format!("{n}"));
        exchange(&mut bob, &mut alice, &format!("{n} as well"));
    }
    assert!(own_epoch(&alice).0 > 10);
    for party in [&alice, &bob] {
        assert_eq!(party.count("SELECT count(*) FROM openmls_psks"), 0);
        assert_eq!(party.count("SELECT count(*) FROM own_commit"), 0);
    }
    // What nobody acknowledges goes with time, once its group is retired.
    bob.clock.advance_ms(DAY);
    said(&bob, &alice, "unheard");
    assert_eq!(bob.count("SELECT count(*) FROM openmls_psks"), 1);
    bob.write(|tx| crate::messages::renew::retire(tx, 1));
    assert_eq!(bob.count("SELECT count(*) FROM openmls_psks"), 2);
    bob.clock.advance_ms(40 * DAY + 1);
    bob.write(crate::messages::housekeep);
    assert_eq!(bob.count("SELECT count(*) FROM openmls_psks"), 0);
}

#[test]
fn a_group_made_with_a_last_resort_package_heals_right_away() {
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let package = bob.write(crate::mls::key_packages::generate_last_resort);
    alice.start(&bob);
    alice.contact_with(&bob, package.bytes);
    let before = own_epoch(&alice).0;
    alice.say(&bob, "hello");
    settle(&mut alice, &mut bob);
    assert_eq!(own_epoch(&alice).0, before + 1, "without another word");
    assert_eq!(alice.count("SELECT last_resort FROM send_group"), 0);
    assert_eq!(bob.count("SELECT count(*) FROM quarantine"), 0);

    let (alice, _) = acquainted();
    assert_eq!(
        own_epoch(&alice).0,
        before,
        "others wait for something to say"
    );
}

/// Loses, doubles and reorders frames, reopens databases and aborts transactions, by a seed.
#[test]
fn every_message_arrives_once_whatever_happens_to_commits() {
    for seed in 1..=6u64 {
        let mut dice = Dice(seed);
        let (mut alice, mut bob) = acquainted();
        for n in 0..40 {
            let (one, other) = if dice.roll(2) == 0 {
                (&mut alice, &mut bob)
            } else {
                (&mut bob, &mut alice)
            };
            one.say(other, &format!("{n}"));
            match dice.roll(6) {
                0 => one.reopen(),
                1 => one.clock.advance_ms(10_000),
                _ => {}
            }
            one.seal(other);
            for put in one.due() {
                if dice.roll(4) > 0 {
                    let at = dice.roll(other.queue.len() as u64 + 1) as usize;
                    other.queue.insert(at, one.delivery(&put));
                    if dice.roll(4) == 0 {
                        other.queue.push(one.delivery(&put));
                    }
                }
                one.settle(&put, PutResult::Accepted);
            }
            if dice.roll(3) == 0 {
                other.receive();
            }
        }
        settle(&mut alice, &mut bob);
        // What was lost is put again. (Key packages are looked at by the real clock: no days here.)
        for _ in 0..5 {
            alice.clock.advance_ms(6 * 60 * 1000);
            settle(&mut alice, &mut bob);
        }
        let sorted = |party: &Party, other: &Party| {
            let mut texts = party.texts(other);
            texts.sort();
            texts
        };
        assert_eq!(sorted(&alice, &bob), sorted(&bob, &alice), "seed {seed}");
        assert_eq!(alice.texts(&bob).len(), 41, "seed {seed}");
        for party in [&alice, &bob] {
            let waiting = party.count("SELECT count(*) FROM message WHERE state IN (0, 1, 3)");
            assert_eq!(waiting, 0, "seed {seed}");
        }
    }
}

struct Dice(u64);

impl Dice {
    /// 0 to `sides` - 1.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}
