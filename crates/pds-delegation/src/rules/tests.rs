use sotto_wire::claim::Incoming;
use sotto_wire::domain::Domain;
use sotto_wire::key::SigningKey;
use sotto_wire::time::Timestamp;

use super::*;

fn did() -> Did {
    Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap()
}

fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&[byte; 32])
}

fn step(from: u8, to: u8, seq: u64) -> Vec<u8> {
    let step = Succession {
        did: did(),
        seq,
        issued_at: Timestamp(1),
        successor: key(to).public(),
        predecessor: key(from).public(),
    };
    step.sign(&key(from))
}

fn claim(byte: u8, seq: u64) -> Claim {
    Claim {
        did: did(),
        key: key(byte).public(),
        seq,
        domain: Domain::parse("relay.example").unwrap(),
        incoming: Incoming::Everyone,
        issued_at: Timestamp(1),
    }
}

fn record(claim: &Claim, signer: u8, succession: Vec<Vec<u8>>) -> Value {
    let record = DelegationRecord {
        key: claim.key,
        domain: claim.domain.clone(),
        claim: claim.sign(&key(signer)),
        succession,
        incoming: claim.incoming,
        created_at: "2026-11-23T09:46:00Z".into(),
    };
    record.to_json()
}

fn read(json: Value) -> Result<Claimed, ErrorName> {
    Claimed::read(json, &did(), false).map_err(|error| error.name)
}

fn claimed(byte: u8, seq: u64, succession: Vec<Vec<u8>>) -> Claimed {
    read(record(&claim(byte, seq), byte, succession)).unwrap()
}

fn outcome(wanted: &Claimed, in_force: &InForce<'_>, unendorsed: bool) -> Result<(), ErrorName> {
    check(&did(), wanted, in_force, unendorsed).map_err(|error| error.name)
}

#[test]
fn a_claim_has_to_be_the_keys_own_for_this_account() {
    assert!(read(record(&claim(1, 1), 1, vec![])).is_ok());
    let forged = record(&claim(1, 1), 2, vec![]);
    assert_eq!(read(forged), Err(ErrorName::InvalidClaim));
    let other = Claim {
        did: Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").unwrap(),
        ..claim(1, 1)
    };
    assert_eq!(
        read(record(&other, 1, vec![])),
        Err(ErrorName::InvalidClaim)
    );
    for (field, value) in [("domain", "other.example"), ("incoming", "none")] {
        let mut changed = record(&claim(1, 1), 1, vec![]);
        changed[field] = value.into();
        assert_eq!(read(changed), Err(ErrorName::InvalidClaim), "{field}");
    }
    let mut no_claim = record(&claim(1, 1), 1, vec![]);
    no_claim["claim"] = "x".into();
    assert_eq!(read(no_claim), Err(ErrorName::InvalidRecord));
    let loopback = Claim {
        domain: Domain::parse("localhost:1").unwrap(),
        ..claim(1, 1)
    };
    let loopback = record(&loopback, 1, vec![]);
    assert_eq!(read(loopback.clone()), Err(ErrorName::InvalidRecord));
    assert!(Claimed::read(loopback, &did(), true).is_ok());
}

#[test]
fn seq_grows_unless_it_is_the_same_record() {
    let old = claimed(1, 5, vec![]);
    let in_force = InForce {
        record: Some(Ok(&old)),
        document_key: None,
    };
    assert_eq!(outcome(&claimed(1, 6, vec![]), &in_force, false), Ok(()));
    assert_eq!(outcome(&old, &in_force, false), Ok(()));
    for seq in [4, 5] {
        let mut wanted = claimed(1, seq, vec![]);
        wanted.record.created_at = "another".into();
        let refused = outcome(&wanted, &in_force, true);
        assert_eq!(refused, Err(ErrorName::ClaimNotNewer), "{seq}");
    }
}

#[test]
fn another_key_needs_a_succession_from_both_places_or_a_word() {
    let old = claimed(1, 1, vec![]);
    let (one, two) = (key(1).public().to_did_key(), key(2).public().to_did_key());
    let endorsed = claimed(3, 2, vec![step(1, 3, 1)]);
    let bare = claimed(3, 2, vec![]);
    let long = claimed(3, 2, vec![step(1, 2, 1), step(2, 3, 2)]);
    for (wanted, document_key, expected) in [
        (&endorsed, None, Ok(())),
        (&endorsed, Some(&one), Ok(())),
        (&endorsed, Some(&two), Err(ErrorName::Unendorsed)),
        (&long, Some(&two), Ok(())),
        (&bare, None, Err(ErrorName::Unendorsed)),
        (&bare, Some(&one), Err(ErrorName::Unendorsed)),
    ] {
        let in_force = InForce {
            record: Some(Ok(&old)),
            document_key: document_key.map(String::as_str),
        };
        assert_eq!(outcome(wanted, &in_force, false), expected);
        assert_eq!(outcome(wanted, &in_force, true), Ok(()));
    }
    let unreadable = "did:key:zQ3shXgWjVsCJsv9mBm6kVqFSjAnErMg3zG9CcyvmUCCaFRCr";
    for in_force in [
        InForce {
            record: None,
            document_key: Some(unreadable),
        },
        InForce {
            record: Some(Err(())),
            document_key: None,
        },
    ] {
        assert_eq!(outcome(&bare, &in_force, false), Err(ErrorName::Unendorsed));
        assert_eq!(outcome(&bare, &in_force, true), Ok(()));
    }
}

#[test]
fn the_first_delegation_needs_nothing() {
    let nothing = InForce {
        record: None,
        document_key: None,
    };
    assert_eq!(outcome(&claimed(1, 1, vec![]), &nothing, false), Ok(()));
}

#[test]
fn a_broken_succession_is_refused_even_when_nobody_knew_a_key() {
    let nothing = InForce {
        record: None,
        document_key: None,
    };
    for chain in [
        vec![step(1, 2, 1)],
        vec![step(1, 2, 2), step(2, 3, 1)],
        vec![step(1, 2, 1), step(4, 3, 2)],
        vec![step(3, 3, 1)],
        vec![vec![0]],
    ] {
        let wanted = claimed(3, 1, chain);
        let refused = outcome(&wanted, &nothing, true);
        assert_eq!(refused, Err(ErrorName::InvalidRecord));
    }
    let whole = claimed(3, 1, vec![step(1, 2, 1), step(2, 3, 2)]);
    assert_eq!(outcome(&whole, &nothing, false), Ok(()));
}
