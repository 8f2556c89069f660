use serde_json::{Value, json};

use super::*;
use crate::testing::{FakeNet, endpoints};

const DID: &str = "did:web:alice.example";
const GET: &str = "https://pds.example/xrpc/chat.sotto.getDelegation?did=did%3Aweb%3Aalice.example";

fn did() -> Did {
    Did::parse(DID).unwrap()
}

fn offer() -> Value {
    json!({
        "did": DID, "audience": "did:web:pds.example#sotto_delegation", "car": {"$bytes": "AQ"},
    })
}

async fn ask(net: FakeNet) -> Result<Option<Audience>, HttpError> {
    let pds = Url::parse("https://pds.example").unwrap();
    offered(&net.network(endpoints()), &pds, &did()).await
}

#[tokio::test]
async fn an_answer_of_the_lexicons_shape_is_an_offer() {
    let net = FakeNet::new().answer(GET, 200, offer().to_string());
    let audience = ask(net).await.unwrap().unwrap();
    assert_eq!(audience.as_str(), "did:web:pds.example#sotto_delegation");
}

#[tokio::test]
async fn anything_else_is_none() {
    for (field, value) in [
        ("did", json!("did:web:bob.example")),
        ("audience", json!("did:web:pds.example")),
        ("audience", json!("did:web:x&lxm=*#sotto_delegation")),
        ("audience", Value::Null),
        ("car", json!("AQ")),
    ] {
        let mut other = offer();
        other[field] = value.clone();
        let net = FakeNet::new().answer(GET, 200, other.to_string());
        assert_eq!(ask(net).await, Ok(None), "{field} {value}");
    }
    for (status, body) in [
        (200, "<html>"),
        (400, "{}"),
        (401, r#"{"error": "AuthMissing"}"#),
        (404, ""),
        (501, r#"{"error": "MethodNotImplemented"}"#),
    ] {
        let net = FakeNet::new().answer(GET, status, body);
        assert_eq!(ask(net).await, Ok(None), "{status} {body}");
    }
    let huge = FakeNet::new().answer(GET, 200, vec![b' '; api::MAX_OUTPUT + 1]);
    assert_eq!(ask(huge).await, Ok(None));
}

#[tokio::test]
async fn a_server_that_is_away_is_neither() {
    for status in [429, 500, 502, 503] {
        let net = FakeNet::new().answer(GET, status, "{}");
        assert_eq!(ask(net).await, Err(HttpError::Unreachable), "{status}");
    }
    assert_eq!(ask(FakeNet::new()).await, Err(HttpError::Unreachable));
}

#[test]
fn every_named_error_leads_somewhere() {
    let read = |status: u16, name: &str| {
        let response = Response {
            status,
            headers: Vec::new(),
            body: json!({ "error": name }).to_string().into_bytes(),
        };
        read(&response).map(|called| matches!(called, Called::Done))
    };
    assert_eq!(read(200, ""), Ok(true));
    assert_eq!(read(400, "NotHosted"), Ok(false));
    assert_eq!(read(400, "DocumentNotManaged"), Ok(false));
    for (status, name, error) in [
        (400, "InvalidSwap", OAuthError::RecordChanged),
        (400, "Unendorsed", OAuthError::RecordChanged),
        (502, "DocumentFailed", OAuthError::DocumentFailed),
        (502, "HalfDone", OAuthError::HalfDone),
        (502, "UpstreamFailure", OAuthError::Unreachable),
        (429, "RateLimitExceeded", OAuthError::Unreachable),
        (400, "ClaimNotNewer", OAuthError::Rejected),
        (401, "BadJwt", OAuthError::Rejected),
        (500, "?", OAuthError::Unreachable),
    ] {
        assert_eq!(read(status, name), Err(error), "{name}");
    }
}
