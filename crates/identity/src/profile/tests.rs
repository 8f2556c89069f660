//! What is shown and what is left out.

use serde_json::json;

use super::*;
use crate::testing::{FakeNet, endpoints};

const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const RECORD: &str = "https://pds.example/xrpc/com.atproto.repo.getRecord?repo=did%3Aplc%3Aaaaaaaaaaaaaaaaaaaaaaaaa&collection=app.bsky.actor.profile&rkey=self";
const CID: &str = "bafkreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454";
const SEARCH: &str =
    "https://appview.example/xrpc/app.bsky.actor.searchActorsTypeahead?q=al&limit=2";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

async fn profile(net: FakeNet) -> Result<Profile, ProfileError> {
    let pds = Url::parse("https://pds.example").unwrap();
    net.network(endpoints())
        .profile(&Did::parse(DID).unwrap(), &pds)
        .await
}

fn record(name: &str) -> String {
    json!({"value": {
        "displayName": name,
        "avatar": {"$type": "blob", "ref": {"$link": CID}, "mimeType": "image/svg+xml"},
    }})
    .to_string()
}

fn blob_url() -> String {
    let did = "did%3Aplc%3Aaaaaaaaaaaaaaaaaaaaaaaaa";
    format!("https://pds.example/xrpc/com.atproto.sync.getBlob?did={did}&cid={CID}")
}

#[tokio::test]
async fn reads_name_and_picture() {
    let net = FakeNet::new()
        .answer(RECORD, 200, record(" Al\u{202e}ice\n "))
        .answer(&blob_url(), 200, PNG);
    let profile = profile(net).await.unwrap();
    assert_eq!(profile.display_name.as_deref(), Some("Alice"));
    assert_eq!(profile.avatar.unwrap().mime, "image/png");
}

#[tokio::test]
async fn a_picture_that_cannot_be_shown_is_left_out() {
    let svg = b"<svg onload=alert(1)>".to_vec();
    for bytes in [svg, [PNG, &vec![0; MAX_IMAGE]].concat(), Vec::new()] {
        let net =
            FakeNet::new()
                .answer(RECORD, 200, record("Alice"))
                .answer(&blob_url(), 200, bytes);
        assert_eq!(profile(net).await.unwrap().avatar, None);
    }
}

#[tokio::test]
async fn no_profile_is_an_empty_one() {
    let net = FakeNet::new().answer(RECORD, 400, r#"{"error": "RecordNotFound"}"#);
    assert_eq!(profile(net).await, Ok(Profile::default()));
    let strange = json!({"value": {"displayName": 7, "avatar": "x"}}).to_string();
    let net = FakeNet::new().answer(RECORD, 200, strange);
    assert_eq!(profile(net).await, Ok(Profile::default()));
    let long = FakeNet::new().answer(RECORD, 200, record(&"x".repeat(1000)));
    assert_eq!(
        profile(long).await.unwrap().display_name.unwrap().len(),
        MAX_NAME
    );
}

#[tokio::test]
async fn a_server_that_fails_is_an_error() {
    for net in [
        FakeNet::new(),
        FakeNet::new().answer(RECORD, 500, ""),
        FakeNet::new().answer(RECORD, 200, "not json"),
        FakeNet::new().answer(RECORD, 200, "{}"),
    ] {
        assert_eq!(profile(net).await, Err(ProfileError));
    }
}

#[tokio::test]
async fn suggestions_are_checked_one_by_one() {
    let good =
        |n| json!({"did": DID, "handle": format!("alice{n}.example.com"), "displayName": ""});
    let body = json!({"actors": [
        {"did": "did:key:x", "handle": "a.example.com"},
        {"did": DID, "handle": "handle.invalid"},
        good(1), 7, good(2), good(3),
    ]});
    let net = FakeNet::new().answer(SEARCH, 200, body.to_string());
    let found = net
        .network(endpoints())
        .suggestions(" al ", 2)
        .await
        .unwrap();
    let handles: Vec<_> = found.iter().map(|found| found.handle.as_str()).collect();
    assert_eq!(handles, ["alice1.example.com", "alice2.example.com"]);
    assert_eq!(found[0].display_name, None);
}

#[tokio::test]
async fn nothing_typed_asks_nobody() {
    let network = FakeNet::new().network(endpoints());
    assert_eq!(network.suggestions("  ", 5).await, Ok(Vec::new()));
    assert_eq!(network.suggestions("x", 5).await, Err(ProfileError));
}

#[tokio::test]
async fn pictures_of_suggestions_come_from_known_hosts() {
    let known = ["https://cdn.bsky.app/a", "https://appview.example/a"];
    let others = [
        "https://evil.example/a",
        "http://cdn.bsky.app/a",
        "https://xbsky.app/a",
    ];
    let net = known
        .iter()
        .chain(&others)
        .fold(FakeNet::new(), |net, url| net.answer(url, 200, PNG))
        .network(endpoints());
    for url in known {
        assert!(
            net.suggestion_avatar(&Url::parse(url).unwrap())
                .await
                .is_some(),
            "{url}"
        );
    }
    for url in others {
        assert!(
            net.suggestion_avatar(&Url::parse(url).unwrap())
                .await
                .is_none(),
            "{url}"
        );
    }
}
