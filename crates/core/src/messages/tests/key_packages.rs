//! Own key packages: which are published, which are taken away, which are kept (docs/protocol.md
//! §2, §4.4).

use crate::db::DbError;
use crate::messages::{MessageState, Outcome, housekeep};
use crate::mls::MlsError;
use crate::mls::key_packages::{self, Audit, PublishedPackage};
use crate::testing::{Party, TestClock, settle};

const DAY_MS: u64 = 86_400_000;

fn party() -> Party {
    Party::new("bob", &TestClock::new())
}

/// Makes and publishes `n` single-use packages and a last resort.
fn published(of: &Party, n: usize) -> (Vec<PublishedPackage>, PublishedPackage) {
    of.write(move |tx| -> Result<_, MlsError> {
        let single = key_packages::generate_single_use(tx, n)?;
        let last = key_packages::generate_last_resort(tx)?;
        let mut hashes: Vec<_> = single.iter().map(|it| it.hash).collect();
        hashes.push(last.hash);
        key_packages::mark_published(tx, &hashes)?;
        Ok((single, last))
    })
}

fn hashes(of: &[PublishedPackage]) -> Vec<Vec<u8>> {
    of.iter().map(|it| it.hash.to_vec()).collect()
}

fn audit(of: &Party, single: Vec<Vec<u8>>, last: Option<[u8; 32]>) -> Audit {
    of.write(move |tx| key_packages::audit(tx, &single, last.as_ref().map(|it| &it[..])))
}

fn last_resort_is_due(of: &Party) -> bool {
    let now = of.clock_now();
    of.read(move |tx| key_packages::last_resort_due(tx, now))
}

#[test]
fn packages_that_are_good_stay_and_nothing_is_due() {
    let bob = party();
    let (single, last) = published(&bob, 3);
    let found = audit(&bob, hashes(&single), Some(last.hash));
    assert_eq!((found.good, found.remove), (3, Vec::new()));
    assert!(!last_resort_is_due(&bob));
}

#[test]
fn packages_unknown_here_are_taken_away_from_the_relay() {
    // Of before a backup was restored, or an invention of the relay.
    let bob = party();
    let (single, _) = published(&bob, 1);
    let mut there = hashes(&single);
    there.extend([vec![1; 32], vec![2; 31]]);
    let found = audit(&bob, there, Some([3; 32]));
    assert_eq!(found.good, 1);
    assert_eq!(found.remove, [vec![1; 32], vec![2; 31], vec![3; 32]]);
}

#[test]
fn a_package_that_a_welcome_used_is_taken_away_where_a_restored_relay_has_it_again() {
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let (single, last) = published(&bob, 1);
    alice.say(&bob, "hello");
    alice.contact_with(&bob, single[0].bytes.clone());
    settle(&mut alice, &mut bob);
    assert_eq!(bob.texts(&alice), ["hello"]);
    let found = audit(&bob, hashes(&single), Some(last.hash));
    assert_eq!((found.good, found.remove), (0, hashes(&single)));
}

#[test]
fn a_package_whose_private_half_is_gone_is_taken_away() {
    let bob = party();
    let (single, last) = published(&bob, 2);
    bob.write(|tx| -> Result<_, DbError> {
        tx.execute("DELETE FROM openmls_key_packages", [])?;
        Ok(())
    });
    let found = audit(&bob, hashes(&single), Some(last.hash));
    assert_eq!((found.good, found.remove.len()), (0, 3));
    assert!(last_resort_is_due(&bob), "it has to be made anew");
}

#[test]
fn packages_under_an_earlier_certificate_are_taken_away() {
    let mut bob = party();
    let (single, last) = published(&bob, 2);
    let mut certified_again = bob.own.clone();
    let certificate = sotto_wire::device::DeviceCertificate::parse_unverified(&bob.own.certificate);
    let mut certificate = certificate.unwrap();
    certificate.issued_at = certificate.issued_at.plus(1);
    certified_again.certificate = certificate.sign(&bob.own.delegate_key);
    bob.own = certified_again.clone();
    bob.write(move |tx| crate::db::own::store(tx, &certified_again));
    let found = audit(&bob, hashes(&single), Some(last.hash));
    assert_eq!((found.good, found.remove.len()), (0, 3));
    assert!(last_resort_is_due(&bob));
}

#[test]
fn packages_about_to_expire_are_replaced_and_their_private_halves_kept() {
    let clock = TestClock::new();
    let (alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let (single, last) = published(&bob, 2);
    alice.say(&bob, "hello");
    alice.contact_with(&bob, single[0].bytes.clone());
    alice.send(&mut bob);
    clock.advance_ms(59 * DAY_MS);
    assert_eq!(audit(&bob, hashes(&single), Some(last.hash)).good, 2);
    clock.advance_ms(2 * DAY_MS);
    let found = audit(&bob, hashes(&single), Some(last.hash));
    assert_eq!((found.good, found.remove.len()), (0, 3));
    // Whoever claimed one before is still read.
    assert!(matches!(bob.receive()[..], [Outcome::Message(_)]));
}

#[test]
fn packages_made_by_a_clock_that_was_wrong_are_replaced_once_it_is_right() {
    let bob = party();
    bob.clock.advance_ms(20 * DAY_MS);
    let (single, last) = published(&bob, 2);
    bob.clock.set_back_ms(20 * DAY_MS);
    let found = audit(&bob, hashes(&single), Some(last.hash));
    assert_eq!((found.good, found.remove.len()), (0, 3));
}

#[test]
fn without_a_valid_certificate_nothing_is_published() {
    let bob = party();
    bob.clock.advance_ms(370 * DAY_MS);
    let refused = bob
        .db()
        .write_blocking(|tx| key_packages::audit(tx, &[], None));
    assert!(matches!(
        refused,
        Err(MlsError::Refused("certificate.invalid"))
    ));
}

#[test]
fn a_package_rotated_twice_before_its_welcome_is_opened_still_opens_it() {
    // Others broke here: private halves that went by count.
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let (_, last) = published(&bob, 0);
    alice.say(&bob, "slow");
    alice.contact_with(&bob, last.bytes.clone());
    alice.send(&mut bob);
    for _ in 0..200 {
        published(&bob, 0);
    }
    clock.advance_ms(29 * DAY_MS);
    bob.write(housekeep);
    assert!(matches!(bob.receive()[..], [Outcome::Message(_)]));
    settle(&mut alice, &mut bob);
    assert_eq!(alice.messages(&bob)[0].state, MessageState::Delivered);
}

#[test]
fn private_halves_outlive_expiry_by_forty_days_and_then_go() {
    let bob = party();
    published(&bob, 5);
    bob.clock.advance_ms(129 * DAY_MS);
    bob.write(housekeep);
    assert_eq!(bob.count("SELECT count(*) FROM openmls_key_packages"), 6);
    bob.clock.advance_ms(2 * DAY_MS);
    bob.write(housekeep);
    assert_eq!(bob.count("SELECT count(*) FROM openmls_key_packages"), 0);
    assert_eq!(bob.count("SELECT count(*) FROM key_package"), 0);
}

#[test]
fn a_last_resort_that_was_used_is_due_to_be_replaced() {
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    let (_, last) = published(&bob, 0);
    assert!(!last_resort_is_due(&bob));
    alice.say(&bob, "hello");
    alice.contact_with(&bob, last.bytes.clone());
    settle(&mut alice, &mut bob);
    assert!(last_resort_is_due(&bob));
    let found = audit(&bob, Vec::new(), Some(last.hash));
    assert_eq!(found.remove, [last.hash.to_vec()]);
}
