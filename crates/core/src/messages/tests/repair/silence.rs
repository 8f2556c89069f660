//! Devices that acknowledge nothing.

use super::*;

#[test]
fn a_device_that_acknowledges_nothing_is_contacted_as_if_for_the_first_time() {
    let (mut alice, mut bob) = strangers();
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
