//! Databases that were closed in between, images put back, and what is forgotten.

use super::*;

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
