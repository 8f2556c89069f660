//! Commits that come late, twice, damaged, or not at all.

use super::*;

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
