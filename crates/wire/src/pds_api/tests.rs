use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;
use crate::claim::Incoming;
use crate::delegation::{COLLECTION, DelegationRecord};
use crate::domain::Domain;
use crate::key::SigningKey;
use crate::sign1::MAX_SIGNED_OBJECT;
use crate::succession::MAX_SUCCESSIONS;

fn lexicon(id: &str) -> Value {
    let name = id.strip_prefix("chat.sotto.").unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../lexicons/chat/sotto")
        .join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn main(id: &str) -> Value {
    lexicon(id)["defs"]["main"].clone()
}

fn names(list: &Value) -> BTreeSet<String> {
    match list {
        Value::Array(list) => list
            .iter()
            .map(|it| it.as_str().unwrap().to_owned())
            .collect(),
        Value::Object(map) => map.keys().cloned().collect(),
        _ => BTreeSet::new(),
    }
}

fn record() -> DelegationRecord {
    DelegationRecord {
        key: SigningKey::from_seed(&[1; 32]).public(),
        domain: Domain::parse("relay.example").unwrap(),
        claim: vec![1, 2, 3, 4],
        succession: vec![vec![5]],
        incoming: Incoming::Everyone,
        created_at: "2026-11-23T09:46:00Z".into(),
    }
}

fn did() -> Did {
    Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap()
}

fn audience() -> Audience {
    Audience::new(&Did::parse("did:web:pds.example").unwrap()).unwrap()
}

/// What a type reads and writes is what the schema has: the same fields, the same ones required.
fn agrees<T: Serialize + DeserializeOwned>(value: &T, schema: &Value) {
    let full = serde_json::to_value(value).unwrap();
    assert_eq!(names(&full), names(&schema["properties"]));
    let required = names(&schema["required"]);
    for field in names(&full) {
        let mut less = full.clone();
        less.as_object_mut().unwrap().remove(&field);
        let reads = serde_json::from_value::<T>(less).is_ok();
        assert_eq!(reads, !required.contains(&field), "{field}");
    }
}

#[test]
fn inputs_and_outputs_are_those_of_the_lexicons() {
    let record = record().to_json();
    let cid = "bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae".to_owned();
    let create = CreateInput {
        record: record.clone(),
        unendorsed: true,
    };
    agrees(&create, &main(CREATE)["input"]["schema"]);
    let update = UpdateInput {
        record: record.clone(),
        swap_record: cid.clone(),
        unendorsed: true,
    };
    agrees(&update, &main(UPDATE)["input"]["schema"]);
    let delete = DeleteInput {
        swap_record: cid.clone(),
    };
    agrees(&delete, &main(DELETE)["input"]["schema"]);
    let written = WriteOutput {
        uri: format!("at://{}/{COLLECTION}/self", did()),
        cid: cid.clone(),
        document_key: record["key"].as_str().unwrap().to_owned(),
    };
    for method in [CREATE, UPDATE] {
        agrees(&written, &main(method)["output"]["schema"]);
    }
    let got = GetOutput {
        did: did(),
        audience: audience(),
        document_key: Some(written.document_key),
        cid: Some(cid),
        car: vec![1, 2, 3],
        record: Some(record),
    };
    agrees(&got, &main(GET)["output"]["schema"]);
}

#[test]
fn lexicons_have_their_names_and_kinds() {
    for (id, kind) in [
        (CREATE, "procedure"),
        (UPDATE, "procedure"),
        (DELETE, "procedure"),
        (GET, "query"),
        (COLLECTION, "record"),
    ] {
        let lexicon = lexicon(id);
        assert_eq!(
            (&lexicon["id"], &lexicon["lexicon"]),
            (&json!(id), &json!(1))
        );
        assert_eq!(main(id)["type"], kind, "{id}");
    }
}

#[test]
fn every_named_error_is_one_of_a_lexicon() {
    let of = |id| -> BTreeSet<String> {
        let errors = main(id)["errors"].clone();
        let name = |error: &Value| error["name"].as_str().unwrap().to_owned();
        errors.as_array().unwrap().iter().map(name).collect()
    };
    let mut known: BTreeSet<String> = ErrorName::ALL
        .iter()
        .map(|it| it.as_str().to_owned())
        .collect();
    // Every XRPC method may answer it.
    known.remove("InvalidRequest");
    let all: BTreeSet<String> = [CREATE, UPDATE, DELETE, GET]
        .into_iter()
        .flat_map(of)
        .collect();
    assert_eq!(all, known);
    for name in ErrorName::ALL {
        assert_eq!(ErrorName::parse(name.as_str()), Some(*name));
    }
    assert_eq!(ErrorName::parse("Other"), None);
}

#[test]
fn the_records_lexicon_is_what_the_record_is() {
    let schema = main(COLLECTION)["record"].clone();
    let json = record().to_json();
    let mut fields = names(&json);
    fields.remove("$type");
    assert_eq!(fields, names(&schema["properties"]));
    for field in &fields {
        let mut less = json.clone();
        less.as_object_mut().unwrap().remove(field);
        // A record without successions is read as one with none.
        let reads = DelegationRecord::from_json(&less).is_ok();
        assert_eq!(reads, field == "succession", "{field}");
    }
    let properties = &schema["properties"];
    assert_eq!(properties["claim"]["maxLength"], MAX_SIGNED_OBJECT);
    assert_eq!(properties["succession"]["maxLength"], MAX_SUCCESSIONS);
    let policies = [Incoming::None, Incoming::Following, Incoming::Everyone];
    assert_eq!(properties["incoming"]["enum"], json!(policies));
}

#[test]
fn unknown_fields_of_an_input_are_refused() {
    let input = json!({"swapRecord": "bafy", "more": 1});
    assert!(serde_json::from_value::<DeleteInput>(input).is_err());
}

#[test]
fn an_audience_is_a_web_did_with_our_fragment() {
    assert_eq!(audience().as_str(), "did:web:pds.example#sotto_delegation");
    let port = Did::parse("did:web:localhost%3A2583").unwrap();
    assert!(
        Audience::new(&port)
            .unwrap()
            .scope()
            .ends_with("&aud=did:web:localhost%253A2583%23sotto_delegation")
    );
    for text in [
        "did:web:pds.example",
        "did:web:pds.example#other",
        "did:web:pds.example#sotto_delegation ",
        "did:web:pds.example&lxm=*#sotto_delegation",
        "did:plc:ewvi7nxzyoun6zhxrhs64oiz#sotto_delegation",
        "#sotto_delegation",
        "",
    ] {
        assert_eq!(
            Audience::try_from(text.to_owned()),
            Err(InvalidAudience),
            "{text}"
        );
    }
}
