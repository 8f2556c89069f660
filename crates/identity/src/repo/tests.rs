//! Proofs captured from a real PDS (`tests/fixtures/capture.mjs`), and broken ones.

use std::collections::BTreeMap;

use ipld_core::ipld::Ipld;
use serde_json::{Value, json};

use super::*;
use crate::did_document::DidDocument;
use crate::testing::{RepoSigner, TestRepo, car, cid_of, section};

const DELEGATION: (&str, &str) = ("chat.sotto.delegation", "self");

struct Fixture {
    car: &'static [u8],
    document: &'static str,
}

const ALICE: &str = include_str!("../../tests/fixtures/alice.did.json");
const BOB: &str = include_str!("../../tests/fixtures/bob.did.json");
const DELEGATED: Fixture = Fixture {
    car: include_bytes!("../../tests/fixtures/alice-delegation.car"),
    document: ALICE,
};
const NOTE: Fixture = Fixture {
    car: include_bytes!("../../tests/fixtures/alice-note.car"),
    document: ALICE,
};
const ALICE_ABSENT: Fixture = Fixture {
    car: include_bytes!("../../tests/fixtures/alice-absent.car"),
    document: ALICE,
};
const BOB_ABSENT: Fixture = Fixture {
    car: include_bytes!("../../tests/fixtures/bob-absent.car"),
    document: BOB,
};

fn account(document: &str) -> (Did, RepoKey) {
    let document: Value = serde_json::from_str(document).unwrap();
    let did = Did::parse(document["id"].as_str().unwrap()).unwrap();
    let key = DidDocument::from_json(&document, &did, true)
        .unwrap()
        .signing_key;
    (did, key)
}

impl Fixture {
    fn prove(&self, collection: &str, rkey: &str) -> Result<Proved, ProofError> {
        self.prove_bytes(self.car, collection, rkey)
    }

    fn prove_bytes(&self, car: &[u8], collection: &str, rkey: &str) -> Result<Proved, ProofError> {
        let (did, key) = account(self.document);
        prove(car, &did, &key, collection, rkey)
    }
}

#[test]
fn proves_records_of_a_real_pds() {
    let delegation = DELEGATED
        .prove("chat.sotto.delegation", "self")
        .unwrap()
        .record
        .unwrap();
    assert_eq!(delegation["domain"], "relay.example");
    assert_eq!(
        delegation["succession"][0]["$bytes"]
            .as_str()
            .unwrap()
            .len(),
        134
    );
    let note = NOTE
        .prove("chat.sotto.test", "note-30")
        .unwrap()
        .record
        .unwrap();
    assert_eq!(note, json!({"$type": "chat.sotto.test", "n": 30}));
}

#[test]
fn proves_absence_of_a_real_pds() {
    assert_eq!(
        ALICE_ABSENT
            .prove("chat.sotto.test", "note-none")
            .unwrap()
            .record,
        None
    );
    assert_eq!(
        BOB_ABSENT
            .prove("chat.sotto.delegation", "self")
            .unwrap()
            .record,
        None
    );
}

#[test]
fn one_flipped_bit_anywhere_is_noticed() {
    let cases = [
        (DELEGATED, DELEGATION),
        (BOB_ABSENT, DELEGATION),
        (ALICE_ABSENT, ("chat.sotto.test", "note-none")),
    ];
    for (fixture, (collection, rkey)) in cases {
        for bit in 0..fixture.car.len() * 8 {
            let mut car = fixture.car.to_vec();
            car[bit / 8] ^= 1 << (bit % 8);
            let outcome = fixture.prove_bytes(&car, collection, rkey);
            assert!(outcome.is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_cut_proof_is_none() {
    for length in 0..DELEGATED.car.len() {
        let cut = &DELEGATED.car[..length];
        assert!(
            DELEGATED
                .prove_bytes(cut, DELEGATION.0, DELEGATION.1)
                .is_err(),
            "{length}"
        );
    }
    let more = [DELEGATED.car, &[0]].concat();
    assert!(
        DELEGATED
            .prove_bytes(&more, DELEGATION.0, DELEGATION.1)
            .is_err()
    );
}

#[test]
fn a_proof_is_about_one_account() {
    let (bob, bob_key) = account(BOB);
    let (_, alice_key) = account(ALICE);
    let prove = |did, key| prove(DELEGATED.car, did, key, DELEGATION.0, DELEGATION.1);
    assert_eq!(prove(&bob, &alice_key), Err(ProofError::WrongAccount));
    assert_eq!(prove(&bob, &bob_key), Err(ProofError::Signature));
}

#[test]
fn another_path_is_not_proved_by_it() {
    // The blocks for these are not in this proof; that must not count as absence.
    for rkey in ["note-1", "note-59", "note-30x"] {
        let outcome = DELEGATED.prove("chat.sotto.test", rkey);
        assert_eq!(outcome, Err(ProofError::Invalid), "{rkey}");
    }
}

fn did() -> Did {
    Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").unwrap()
}

fn note(n: i128) -> Ipld {
    Ipld::Map(BTreeMap::from([("n".to_owned(), Ipld::Integer(n))]))
}

fn repo() -> TestRepo {
    (0..200).fold(TestRepo::new(did().as_str()), |repo, n| {
        repo.record(&format!("chat.sotto.test/note-{n}"), note(n))
    })
}

fn prove_in(repo: &TestRepo, car: &[u8], rkey: &str) -> Result<Proved, ProofError> {
    let key = RepoKey::from_multibase(&repo.signer.multibase()).unwrap();
    prove(car, &did(), &key, "chat.sotto.test", rkey)
}

#[test]
fn every_record_of_a_tree_is_found_and_no_other() {
    let mut repo = repo();
    for signer in [RepoSigner::k256(), RepoSigner::p256()] {
        repo.signer = signer;
        let car = repo.car();
        for n in 0..200 {
            let proved = prove_in(&repo, &car, &format!("note-{n}")).unwrap();
            assert_eq!(proved.record, Some(json!({"n": n})));
            assert_eq!(proved.rev.as_str(), "3jzfcijpj2z2a");
        }
        for rkey in [
            "",
            "a",
            "note-",
            "note-200",
            "note-1x",
            "zzz",
            &"x".repeat(2000),
        ] {
            assert_eq!(prove_in(&repo, &car, rkey).unwrap().record, None, "{rkey}");
        }
    }
}

#[test]
fn an_empty_repository_proves_absence() {
    let repo = TestRepo::new(did().as_str());
    assert_eq!(prove_in(&repo, &repo.car(), "note-1").unwrap().record, None);
}

#[test]
fn a_block_that_is_taken_away_never_turns_into_absence() {
    let repo = repo();
    let blocks = repo.blocks();
    let mut failures = 0;
    for skipped in 1..blocks.len() {
        let mut rest = blocks.clone();
        rest.remove(skipped);
        match prove_in(&repo, &car(&rest), "note-77") {
            Ok(proved) => assert_eq!(proved.record, Some(json!({"n": 77}))),
            Err(error) => {
                assert_eq!(error, ProofError::Invalid);
                failures += 1;
            }
        }
    }
    assert!(failures >= 2, "the record and at least one node are needed");
}

#[test]
fn commits_have_one_form() {
    type Change = fn(&mut TestRepo);
    let refused: [(Change, ProofError); 6] = [
        (|repo| repo.high_s = true, ProofError::Signature),
        (
            |repo| {
                repo.signer = RepoSigner::p256();
                repo.high_s = true;
            },
            ProofError::Signature,
        ),
        (
            |repo| repo.did = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb".to_owned(),
            ProofError::WrongAccount,
        ),
        (|repo| repo.version = 2, ProofError::Invalid),
        (
            |repo| repo.rev = "yesterday".to_owned(),
            ProofError::Invalid,
        ),
        (|repo| repo.rev = String::new(), ProofError::Invalid),
    ];
    for (change, expected) in refused {
        let mut repo = repo();
        change(&mut repo);
        assert_eq!(prove_in(&repo, &repo.car(), "note-1"), Err(expected));
    }
}

#[test]
fn sizes_are_bounded() {
    let repo = repo();
    let many = (0..2001u32).map(|n| {
        let block = serde_ipld_dagcbor::to_vec(&n).unwrap();
        (cid_of(&block), block)
    });
    let blocks: Vec<_> = repo.blocks().into_iter().chain(many).collect();
    assert_eq!(
        prove_in(&repo, &car(&blocks), "note-1"),
        Err(ProofError::Invalid)
    );

    let large = |length| {
        let block = serde_ipld_dagcbor::to_vec(&Ipld::Bytes(vec![0; length])).unwrap();
        (cid_of(&block), block)
    };
    let with = |extra: Vec<_>| {
        let blocks: Vec<_> = repo.blocks().into_iter().chain(extra).collect();
        prove_in(&repo, &car(&blocks), "note-1")
    };
    assert!(with(vec![large(1_000_000)]).is_ok());
    assert_eq!(with(vec![large(1_100_000)]), Err(ProofError::Invalid));
    let total = vec![large(1_000_000), large(1_000_001), large(100_000)];
    assert_eq!(with(total), Err(ProofError::Invalid));
}

#[test]
fn hostile_lengths_are_harmless() {
    let repo = repo();
    for car in [
        vec![0xff; 64],
        vec![0xff, 0xff, 0xff, 0x7f],
        section(&[]),
        section(b"\xa2\x65roots\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x67version\x01"),
        section(b"\xa2\x65roots\x80\x67version\x01"),
    ] {
        assert_eq!(prove_in(&repo, &car, "note-1"), Err(ProofError::Invalid));
    }
}

#[test]
fn a_tree_that_is_out_of_order_is_refused() {
    // Every node is signed for, but one would hide a record from a reader that searches by order.
    for (first, second) in [("b", "a"), ("a", "a")] {
        let repo = TestRepo::new(did().as_str());
        assert_eq!(
            prove_in(&repo, &repo.car_of_entries(&[first, second], None), "zzz"),
            Err(ProofError::Invalid),
            "{first} {second}"
        );
    }
}

/// The first of many keys that is on a layer and meets a condition.
fn key_on(layer: u32, wanted: impl Fn(&str) -> bool) -> String {
    let mut keys = (0..1000).map(|n| format!("chat.sotto.test/note-{n}"));
    keys.find(|key| layer_of(key.as_bytes()) == layer && wanted(key))
        .unwrap()
}

#[test]
fn a_key_on_the_wrong_layer_is_refused() {
    let (low, high) = (key_on(0, |_| true), key_on(1, |_| true));
    let mut mixed = [low.as_str(), high.as_str()];
    mixed.sort_unstable();
    let repo = TestRepo::new(did().as_str());
    let car = repo.car_of_entries(&mixed, None);
    assert_eq!(prove_in(&repo, &car, "zzz"), Err(ProofError::Invalid));
}

#[test]
fn a_key_on_the_wrong_side_of_a_link_is_refused() {
    let middle = key_on(1, |key| key > "chat.sotto.test/note-4");
    let before = key_on(0, |key| key < middle.as_str());
    let after = key_on(0, |key| key > middle.as_str());
    let repo = TestRepo::new(did().as_str());
    let prove = |left: &str| {
        let car = repo.car_of_entries(&[&middle], Some(&[left]));
        prove_in(&repo, &car, "a")
    };
    assert_eq!(prove(&before).unwrap().record, None);
    assert_eq!(prove(&after), Err(ProofError::Invalid));
}
