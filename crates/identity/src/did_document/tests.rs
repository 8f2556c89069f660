//! Documents that are clear, and those that are not.

use serde_json::json;

use super::*;
use crate::testing::{FakeNet, endpoints};

const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const K256: &str = "zQ3shdMT1GbY3TMzuDVZzjK3ViU6quHXqXMdEcjdPG2HNbRBv";
const ED25519: &str = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
const URL: &str = "https://plc.example/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";

fn did() -> Did {
    Did::parse(DID).unwrap()
}

fn document() -> Value {
    json!({
        "id": DID,
        "alsoKnownAs": ["https://alice.example", "at://alice.example.com"],
        "verificationMethod": [
            {"id": "#other", "type": "Multikey", "publicKeyMultibase": ED25519},
            {"id": format!("{DID}#e2ee"), "type": "Multikey", "publicKeyMultibase": ED25519},
            {"id": format!("{DID}#atproto"), "type": "Multikey", "publicKeyMultibase": K256},
        ],
        "service": [
            {"id": "#x", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://no.example"},
            {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
             "serviceEndpoint": "https://pds.example"},
        ],
    })
}

fn read(document: &Value) -> Option<DidDocument> {
    DidDocument::from_json(document, &did(), false)
}

#[test]
fn picks_entries_by_id() {
    let read = read(&document()).unwrap();
    assert_eq!(read.handle.unwrap().as_str(), "alice.example.com");
    assert_eq!(read.pds.as_str(), "https://pds.example/");
    assert_eq!(read.signing_key, RepoKey::from_multibase(K256).unwrap());
    let key = PublicKey::from_did_key(&format!("did:key:{ED25519}")).unwrap();
    assert_eq!(read.e2ee, Anchor::Key(key));
}

/// Sets one part of the document and reads it.
fn with(pointer: &str, value: Value) -> Option<DidDocument> {
    let mut document = document();
    *document.pointer_mut(pointer).unwrap() = value;
    read(&document)
}

#[test]
fn refuses_what_is_not_clear() {
    for (pointer, value) in [
        ("/id", json!("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb")),
        ("/id", json!(7)),
        ("/verificationMethod", json!({})),
        (
            "/verificationMethod/2/id",
            json!("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb#atproto"),
        ),
        ("/verificationMethod/0/id", json!("#atproto")),
        ("/verificationMethod/2/type", json!("JsonWebKey2020")),
        ("/verificationMethod/2/publicKeyMultibase", json!(ED25519)),
        ("/verificationMethod/2/publicKeyMultibase", json!("z")),
        ("/service/1/type", json!("BskyNotificationService")),
        ("/service/0/id", json!(format!("{DID}#atproto_pds"))),
        ("/service/1/serviceEndpoint", json!("http://pds.example")),
        (
            "/service/1/serviceEndpoint",
            json!("https://pds.example/path"),
        ),
        (
            "/service/1/serviceEndpoint",
            json!("https://user@pds.example"),
        ),
        ("/service/1/serviceEndpoint", json!("https://127.0.0.1")),
        ("/service/1/serviceEndpoint", json!("https://192.168.0.1")),
        (
            "/service/1/serviceEndpoint",
            json!({"uri": "https://pds.example"}),
        ),
        ("/alsoKnownAs", Value::Null),
    ] {
        let outcome = with(pointer, value.clone());
        if pointer == "/alsoKnownAs" {
            assert_eq!(outcome.unwrap().handle, None);
        } else {
            assert_eq!(outcome, None, "{pointer} {value}");
        }
    }
}

#[test]
fn a_strange_anchor_is_not_an_absent_one() {
    let anchor = |value| with("/verificationMethod/1", value).unwrap().e2ee;
    assert_eq!(anchor(json!({"id": "#else"})), Anchor::Absent);
    assert_eq!(anchor(json!({"id": "#e2ee"})), Anchor::Unusable);
    let k256 = json!({"id": "#e2ee", "type": "Multikey", "publicKeyMultibase": K256});
    assert_eq!(anchor(k256), Anchor::Unusable);
    let twice = json!({"id": "#e2ee", "type": "Multikey", "publicKeyMultibase": ED25519});
    let both = {
        let mut document = document();
        *document.pointer_mut("/verificationMethod/0").unwrap() = twice;
        read(&document).unwrap().e2ee
    };
    assert_eq!(both, Anchor::Unusable);
}

#[tokio::test]
async fn did_web_goes_to_its_host() {
    let mut document = document();
    let did = Did::parse("did:web:alice.example.com").unwrap();
    *document.pointer_mut("/id").unwrap() = json!(did.as_str());
    let methods = document.pointer_mut("/verificationMethod/2/id").unwrap();
    *methods = json!("#atproto");
    let url = "https://alice.example.com/.well-known/did.json";
    let net = FakeNet::new().answer(url, 200, document.to_string());
    assert_eq!(
        net.network(endpoints())
            .did_document(&did)
            .await
            .unwrap()
            .id,
        did
    );
}

#[test]
fn did_web_ports_are_decoded() {
    let url = |host, development| web_document_url(host, development).unwrap().to_string();
    assert_eq!(
        url("localhost%3A80", true),
        "http://localhost/.well-known/did.json"
    );
    assert_eq!(
        url("localhost%3A81", false),
        "https://localhost:81/.well-known/did.json"
    );
    assert_eq!(
        url("a.example", true),
        "https://a.example/.well-known/did.json"
    );
}

#[tokio::test]
async fn a_directory_that_is_down_is_not_an_unknown_did() {
    let cases = [
        (404, "{}", DocumentError::Unresolvable),
        (410, "{}", DocumentError::Unresolvable),
        (503, "{}", DocumentError::PlcUnreachable),
        (200, "not json", DocumentError::Unresolvable),
        (
            200,
            "{\"id\": \"did:plc:bbbbbbbbbbbbbbbbbbbbbbbb\"}",
            DocumentError::Unresolvable,
        ),
    ];
    for (status, body, expected) in cases {
        let network = FakeNet::new()
            .answer(URL, status, body)
            .network(endpoints());
        assert_eq!(network.did_document(&did()).await, Err(expected));
    }
    let down = FakeNet::new().network(endpoints());
    assert_eq!(
        down.did_document(&did()).await,
        Err(DocumentError::PlcUnreachable)
    );
}
