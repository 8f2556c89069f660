//! Somebody has copied a disk.

use super::*;

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
