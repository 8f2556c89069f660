//! Declarations that verify, and every way in which one does not.

use proptest::prelude::*;
use serde_json::{Value, json};
use sotto_wire::did::Did;

use super::maker::{Hello, bytes, key, proof, record, typed_key};
use super::*;

mod button;
mod vectors;

fn did() -> Did {
    Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").unwrap()
}

fn mallory() -> Did {
    Did::parse("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb").unwrap()
}

fn verify(record: &Value) -> Result<GermDeclaration, GermError> {
    GermDeclaration::verify(record, &did())
}

fn of(change: impl FnOnce(&mut Hello)) -> Result<GermDeclaration, GermError> {
    let mut hello = Hello::new(&did(), 1);
    change(&mut hello);
    verify(&record(&hello))
}

fn changed(change: impl FnOnce(&mut Value)) -> Result<GermDeclaration, GermError> {
    let mut record = record(&Hello::new(&did(), 1));
    change(&mut record);
    verify(&record)
}

fn keys(seeds: &[u8]) -> Vec<PublicKey> {
    seeds.iter().map(|seed| key(*seed).public()).collect()
}

#[test]
fn a_good_declaration_is_verified() {
    let declaration = of(|_| ()).unwrap();
    assert_eq!(declaration.did(), &did());
    assert_eq!(declaration.key(), &key(1).public());
    assert!(declaration.claims_account());
    assert_eq!(declaration.predecessors(), []);
    assert_eq!(declaration.audience(), Audience::Everyone);
    let with_more = changed(|record| record["later"] = json!(1));
    assert_eq!(with_more, Ok(declaration));
}

#[test]
fn a_record_without_a_hello_says_only_what_the_repository_says() {
    let bare = json!({"$type": COLLECTION, "version": "1.0.0", "currentKey": bytes(&typed_key(1))});
    let declaration = verify(&bare).unwrap();
    assert!(!declaration.claims_account());
    assert_eq!(declaration.audience(), Audience::Nobody);
}

#[test]
fn every_key_signs_for_the_next_one() {
    let step = |from, to| proof(&did(), from, to, from);
    let chains = [
        (2, vec![step(1, 2)], keys(&[1])),
        (3, vec![step(1, 2), step(2, 3)], keys(&[1, 2])),
        (
            4,
            vec![step(1, 2), step(2, 3), step(3, 4)],
            keys(&[1, 2, 3]),
        ),
    ];
    for (current, chain, predecessors) in chains {
        let mut hello = Hello::new(&did(), current);
        hello.proofs.clone_from(&chain);
        let in_hello = verify(&record(&hello)).unwrap();
        assert_eq!(in_hello.predecessors(), predecessors, "{current}");
        let mut record = record(&Hello::new(&did(), current));
        record["continuityProofs"] = chain.iter().map(|it| bytes(it)).collect();
        let in_record = verify(&record).unwrap();
        assert_eq!(in_record.predecessors(), predecessors, "{current}");
    }
}

#[test]
fn no_hop_of_a_chain_can_be_forged() {
    let step = |from, to| proof(&did(), from, to, from);
    let good = [step(1, 2), step(2, 3), step(3, 4)];
    let mut wrong: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    for hop in 0..3_u8 {
        let (from, to) = (hop + 1, hop + 2);
        // Under the key that it leads to, under a stranger's, about another account, to another key.
        for (what, forged) in [
            ("signed by the successor", proof(&did(), from, to, to)),
            ("signed by a stranger", proof(&did(), from, to, 9)),
            ("of another account", proof(&mallory(), from, to, from)),
            ("to another key", proof(&did(), from, 9, from)),
            ("by another key", proof(&did(), 9, to, from)),
        ] {
            let mut chain = good.to_vec();
            chain[usize::from(hop)] = forged;
            wrong.push((format!("hop {hop} {what}"), chain));
        }
        let mut gap = good.to_vec();
        gap.remove(hop.into());
        // Without its first hop the chain is a shorter one that holds.
        if hop > 0 {
            wrong.push((format!("without hop {hop}"), gap));
        }
    }
    // What a verifier that takes the wrong key for every hop would accept.
    let by_successors = (1..4).map(|from| proof(&did(), from, from + 1, from + 1));
    wrong.push((
        "all by their successors".to_owned(),
        by_successors.collect(),
    ));
    wrong.push((
        "newest first".to_owned(),
        good.iter().rev().cloned().collect(),
    ));
    wrong.push((
        "twice the same".to_owned(),
        [&good[..], &good[2..]].concat(),
    ));
    for (what, chain) in wrong {
        let mut hello = Hello::new(&did(), 4);
        hello.proofs.clone_from(&chain);
        assert_eq!(
            verify(&record(&hello)),
            Err(GermError::Succession),
            "{what}"
        );
        let mut record = record(&Hello::new(&did(), 4));
        record["continuityProofs"] = chain.iter().map(|it| bytes(it)).collect();
        assert_eq!(verify(&record), Err(GermError::Succession), "{what}");
    }
}

#[test]
fn the_hello_is_signed_by_both_keys_for_this_account() {
    assert_eq!(
        of(|hello| hello.signer = 2),
        Err(GermError::AnchorSignature)
    );
    let other_current = changed(|record| record["currentKey"] = bytes(&typed_key(2)));
    assert_eq!(other_current, Err(GermError::AnchorSignature));
    assert_eq!(
        of(|hello| hello.agent_signer = 2),
        Err(GermError::AgentSignature)
    );
    let other = |hello: &mut Hello| hello.did = mallory().to_string();
    assert_eq!(of(other), Err(GermError::WrongAccount));
    // A whole and good declaration, copied into somebody else's repository.
    let copied = GermDeclaration::verify(&record(&Hello::new(&did(), 1)), &mallory());
    assert_eq!(copied, Err(GermError::WrongAccount));
}

#[test]
fn the_inside_of_a_hello_has_one_form() {
    let malformed = Err(GermError::Malformed);
    assert_eq!(of(|hello| hello.policy = 3), malformed);
    assert_eq!(of(|hello| hello.version = vec![1, 2, 3]), malformed);
    assert_eq!(
        of(|hello| hello.version = vec![1, 2, 3, 1, 0xff]),
        malformed
    );
    assert_eq!(
        of(|hello| hello.version = vec![0xff, 0, 0, 0, 9, 2, 3, 0]),
        malformed
    );
    let suffix = of(|hello| hello.version = b"\xff\0\0\x01\0\x02\x03\x05-beta".to_vec());
    assert!(suffix.is_ok());
    assert_eq!(of(|hello| hello.key_packages = vec![Vec::new()]), malformed);
    assert!(of(|hello| hello.key_packages = Vec::new()).is_ok());
    let hello = Hello::new(&did(), 1);
    let with = |content: &[u8]| {
        changed(|record| record["keyPackage"] = bytes(&hello.bytes_of(content.to_vec())))
    };
    assert_eq!(with(&[0, 1, 1, b'x', 0, 2]), Err(GermError::WrongAccount));
    let content = hello.content();
    for length in 0..content.len() {
        assert!(with(&content[..length]).is_err(), "{length}");
    }
    assert!(with(&[&content[..], &[0]].concat()).is_err());
}

#[test]
fn every_cut_and_every_addition_is_noticed() {
    let whole = Hello::new(&did(), 1).bytes();
    let with = |hello: &[u8]| changed(|record| record["keyPackage"] = bytes(hello));
    assert!(with(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(with(&whole[..length]).is_err(), "{length}");
    }
    assert_eq!(
        with(&[&whole[..], &[0]].concat()),
        Err(GermError::Malformed)
    );
    for position in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[position] ^= 1;
        assert!(with(&flipped).is_err(), "{position}");
    }
}

#[test]
fn keys_of_other_algorithms_are_refused() {
    for algorithm in [0, 1, 2, 4, 5, 6, 255] {
        let mut other = typed_key(1);
        other[0] = algorithm;
        let outcome = changed(|record| record["currentKey"] = bytes(&other));
        assert_eq!(outcome, Err(GermError::Key), "{algorithm}");
    }
    let small_order = [&[3, 1][..], &[0; 31]].concat();
    let outcome = changed(|record| record["currentKey"] = bytes(&small_order));
    assert_eq!(outcome, Err(GermError::Key));
    let short = changed(|record| record["currentKey"] = bytes(&typed_key(1)[..32]));
    assert_eq!(short, Err(GermError::Malformed));
}

#[test]
fn fields_are_as_the_lexicon_has_them() {
    let long_proof = bytes(&[0; 99]);
    let long_hello = bytes(&vec![0; hello::MAX_HELLO + 1]);
    let many = Value::Array(vec![bytes(&[0; 98]); 255]);
    for (name, wrong) in [
        ("$type", json!("chat.sotto.delegation")),
        ("version", json!("1.0")),
        ("version", json!("01.0.0")),
        ("version", json!("1.0.0-beta")),
        ("version", json!("1.0.00000000000")),
        ("version", json!(1)),
        ("currentKey", json!("AAAA")),
        ("currentKey", json!({"$bytes": "AAAA", "x": 1})),
        ("currentKey", json!({"$bytes": "!"})),
        ("currentKey", json!({"$bytes": "A".repeat(1000)})),
        ("keyPackage", json!(null)),
        ("keyPackage", long_hello),
        ("continuityProofs", json!({})),
        ("continuityProofs", json!([1])),
        ("continuityProofs", json!([long_proof])),
        ("continuityProofs", many),
    ] {
        let outcome = changed(|record| record[name] = wrong.clone());
        assert_eq!(outcome, Err(GermError::Record(name)), "{name}: {wrong}");
    }
    for (name, wrong) in [
        ("showButtonTo", json!("")),
        ("showButtonTo", json!("x".repeat(101))),
        ("showButtonTo", json!(null)),
        ("messageMeUrl", json!(1)),
        (
            "messageMeUrl",
            json!(format!("https://a.example/{}", "x".repeat(2048))),
        ),
    ] {
        let outcome = changed(|record| record["messageMe"][name] = wrong);
        assert_eq!(outcome, Err(GermError::Record(name)));
    }
    for name in ["$type", "version", "currentKey"] {
        let outcome = changed(|record| _ = record.as_object_mut().unwrap().remove(name));
        assert_eq!(outcome, Err(GermError::Record(name)));
    }
    for record in [json!(null), json!([]), json!("x"), json!({})] {
        assert_eq!(verify(&record), Err(GermError::Record("$type")));
    }
}

#[test]
fn a_record_cannot_offer_more_than_the_key_signed_for() {
    for (policy, shown, audience) in [
        (2, "everyone", Audience::Everyone),
        (2, "usersIFollow", Audience::Followed),
        (2, "none", Audience::Nobody),
        (2, "friendsOfFriends", Audience::Nobody),
        (1, "everyone", Audience::Followed),
        (0, "everyone", Audience::Nobody),
        (0, "usersIFollow", Audience::Nobody),
    ] {
        let mut hello = Hello::new(&did(), 1);
        hello.policy = policy;
        let mut record = record(&hello);
        record["messageMe"]["showButtonTo"] = json!(shown);
        assert_eq!(
            verify(&record).unwrap().audience(),
            audience,
            "{policy} {shown}"
        );
    }
}

/// JSON as a hostile repository may hold it.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(|it| bytes(&it)),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let name = prop_oneof![Just("$bytes".to_owned()), "[a-zA-Z$]{0,12}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(name, inner, 0..6)
                .prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_field_makes_it_panic(value in any_json(), field in 0..6_usize) {
        let name = [
            "$type", "version", "currentKey", "keyPackage", "continuityProofs", "messageMe",
        ][field];
        _ = changed(|record| record[name] = value.clone());
        _ = changed(|record| record["messageMe"]["showButtonTo"] = value.clone());
        _ = verify(&value);
    }

    #[test]
    fn no_bytes_make_it_panic(hello in prop::collection::vec(any::<u8>(), 0..2000),
                              proof in prop::collection::vec(any::<u8>(), 0..120),
                              key in prop::collection::vec(any::<u8>(), 0..40)) {
        _ = changed(|record| record["keyPackage"] = bytes(&hello));
        _ = changed(|record| record["continuityProofs"] = json!([bytes(&proof)]));
        _ = changed(|record| record["currentKey"] = bytes(&key));
    }

    /// Behind a signature that holds, so that the inside is read at all.
    #[test]
    fn no_signed_content_makes_it_panic(content in prop::collection::vec(any::<u8>(), 0..400)) {
        let signed = Hello::new(&did(), 1).bytes_of(content);
        prop_assert!(changed(|record| record["keyPackage"] = bytes(&signed)).is_err());
    }

    #[test]
    fn no_text_makes_it_panic(version in ".{0,20}", shown in ".{0,120}", url in ".{0,3000}") {
        _ = changed(|record| record["version"] = json!(version));
        let viewer = mallory();
        let outcome = changed(|record| {
            record["messageMe"] = json!({"showButtonTo": shown, "messageMeUrl": url});
        });
        if let Some(link) = outcome.ok().and_then(|declaration| declaration.link(&viewer)) {
            prop_assert_eq!(link.scheme(), "https");
        }
    }
}
