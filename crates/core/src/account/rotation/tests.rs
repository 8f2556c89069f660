use super::*;
use crate::testing::{TestClock, account};
use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::random::OsRandom;
use sotto_wire::succession::leads_from;
use sotto_wire::time::Clock as _;

/// An account as it is after a set-up.
fn own() -> (OwnAccount, Timestamp) {
    let now = TestClock::new().now();
    let mut own = account("alice", now);
    let roster = Roster {
        did: own.did.clone(),
        seq: 1,
        devices: vec![own.certificate.clone()],
    };
    own.roster = roster.sign(&own.delegate_key);
    (own, now)
}

#[test]
fn three_rotations_lead_from_every_key_to_the_last() {
    let (mut own, now) = own();
    let (mut keys, mut chain) = (vec![own.delegate_key.public()], Vec::new());
    let device = (own.device_id, own.device_key.public());
    for round in 2..=4 {
        let pending = successor(&own, SigningKey::generate(&OsRandom), now).unwrap();
        chain = pending::lengthened(chain, pending.step.clone());
        own = pending.account(&own);
        keys.push(own.delegate_key.public());

        let key = own.delegate_key.public();
        let roster = Roster::verify(&own.roster, &key, &own.did).unwrap();
        assert_eq!(
            (roster.seq, roster.certificates),
            (round, vec![own.certificate.clone()])
        );
        let certified = DeviceCertificate::verify(&own.certificate, &key, &own.did, now).unwrap();
        assert_eq!((certified.device_id, certified.device_key), device);
        let record = publish::record(&own, chain.clone(), Incoming::Everyone, now);
        assert_eq!(Claim::verify(&record.claim, &key).unwrap().seq, round);
    }
    for known in &keys {
        assert!(leads_from(
            known,
            &chain,
            &own.delegate_key.public(),
            &own.did
        ));
    }
    let stranger = SigningKey::generate(&OsRandom).public();
    assert!(!leads_from(
        &stranger,
        &chain,
        &own.delegate_key.public(),
        &own.did
    ));
}

#[test]
fn a_rotation_that_was_begun_is_the_one_that_goes_on() {
    let (own, now) = own();
    let party = crate::testing::Party::new("alice", &TestClock::new());
    party.write(move |tx| own::store(tx, &own));
    let first = party.write(move |tx| begin(tx, &OsRandom, now));
    let again = party.write(move |tx| begin(tx, &OsRandom, now));
    assert_eq!(first.delegate_key.public(), again.delegate_key.public());
    assert_eq!((first.step, first.roster), (again.step, again.roster));
}

#[test]
fn a_successor_that_waited_claims_after_what_the_present_key_has_claimed() {
    let (mut own, now) = own();
    let party = crate::testing::Party::new("alice", &TestClock::new());
    let stored = own.clone();
    party.write(move |tx| own::store(tx, &stored));
    let first = party.write(move |tx| begin(tx, &OsRandom, now));
    own.claim_seq += 3;
    let later = own.clone();
    party.write(move |tx| own::store(tx, &later));
    let again = party.write(move |tx| begin(tx, &OsRandom, now));
    assert_eq!(again.delegate_key.public(), first.delegate_key.public());
    assert_eq!(again.claim_seq, own.claim_seq + 1);
    let stored = party.read(|tx| pending::load(tx)).unwrap();
    assert_eq!(stored.claim_seq, again.claim_seq);
}
