//! `tests/vectors/germ.json`: what this implementation makes of fixed records has to equal the
//! file. `SOTTO_WRITE_VECTORS=1 cargo test -p sotto-identity germ` writes it anew, which is right
//! only together with a change of docs/protocol.md §7.

use std::path::Path;

use super::*;

fn accepted(name: &str, record: &Value) -> Value {
    let declaration = verify(record).expect(name);
    let key = |key: &PublicKey| key.to_did_key();
    json!({
        "name": name,
        "record": record,
        "key": key(declaration.key()),
        "claimsAccount": declaration.claims_account(),
        "predecessors": declaration.predecessors().iter().map(key).collect::<Vec<_>>(),
        "audience": format!("{:?}", declaration.audience()),
        "link": declaration.link(&mallory()),
    })
}

fn refused(name: &str, record: &Value) -> Value {
    let error = verify(record).expect_err(name);
    json!({ "name": name, "record": record, "refused": format!("{error:?}") })
}

fn hello(change: impl FnOnce(&mut Hello)) -> Value {
    let mut hello = Hello::new(&did(), 4);
    change(&mut hello);
    record(&hello)
}

fn chain(signers: [u8; 3]) -> Vec<Vec<u8>> {
    let steps = (1_u8..4).zip(signers);
    steps
        .map(|(from, signer)| proof(&did(), from, from + 1, signer))
        .collect()
}

fn cases() -> Value {
    let mut followed = hello(|hello| hello.policy = 1);
    followed["messageMe"]["showButtonTo"] = json!("usersIFollow");
    let mut continuity = hello(|_| ());
    continuity["continuityProofs"] = chain([1, 2, 3]).iter().map(|it| bytes(it)).collect();
    let mut bare = hello(|_| ());
    for name in ["keyPackage", "messageMe"] {
        bare.as_object_mut().unwrap().remove(name);
    }
    let mut key_agreement = hello(|_| ());
    let mut other_key = typed_key(4);
    other_key[0] = 2;
    key_agreement["currentKey"] = bytes(&other_key);
    json!([
        accepted("no earlier key", &hello(|_| ())),
        accepted(
            "three rotations",
            &hello(|hello| hello.proofs = chain([1, 2, 3]))
        ),
        accepted("three rotations in the record", &continuity),
        accepted("for those whom the account follows", &followed),
        accepted("neither hello nor button", &bare),
        refused(
            "hop under its successor",
            &hello(|hello| hello.proofs = chain([1, 3, 3]))
        ),
        refused(
            "first hop under its successor",
            &hello(|hello| hello.proofs = chain([2, 2, 3]))
        ),
        refused(
            "last hop under its successor",
            &hello(|hello| hello.proofs = chain([1, 2, 4]))
        ),
        refused("signed by another anchor", &hello(|hello| hello.signer = 5)),
        refused(
            "signed by another agent",
            &hello(|hello| hello.agent_signer = 5)
        ),
        refused(
            "of another account",
            &hello(|hello| hello.did = mallory().to_string())
        ),
        refused("unknown policy", &hello(|hello| hello.policy = 3)),
        refused("key of another algorithm", &key_agreement),
    ])
}

#[test]
fn the_vectors_hold() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/germ.json");
    let document = json!({
        "section": "docs/protocol.md §7",
        "did": did(),
        "viewer": mallory(),
        "seeds": "the keys 1, 2, … are those of seeds of 32 such bytes; the agent's is 101",
        "cases": cases(),
    });
    if std::env::var_os("SOTTO_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
        std::fs::write(&path, text).unwrap();
        return;
    }
    let stored: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(stored, document);
}
