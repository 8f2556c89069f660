//! Everything else is the PDS's.

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use sotto_wire::key::SigningKey;
use tokio_tungstenite::tungstenite::Message;

use crate::account::Account;
use crate::fixture::{client, get, pds_url, post};

#[tokio::test]
async fn reads_writes_and_metadata_are_the_pdss() {
    let account = Account::new("passenger", 0).await;
    let (status, health) = get(account.xrpc("_health")).await;
    assert_eq!(status, 200);
    assert!(health["version"].is_string());
    for name in ["oauth-protected-resource", "oauth-authorization-server"] {
        let url = account.pds.join(&format!(".well-known/{name}")).unwrap();
        let (status, metadata) = get(url).await;
        assert_eq!(status, 200);
        let own = metadata.get("resource").or(metadata.get("issuer"));
        let public = account.pds.as_str().trim_end_matches('/');
        assert_eq!(own, Some(&json!(public)));
    }
    let record =
        json!({"$type": "app.bsky.feed.post", "text": "hi", "createdAt": "2026-01-01T00:00:00Z"});
    let input = json!({"repo": account.did, "collection": "app.bsky.feed.post", "record": record});
    let url = account.xrpc("com.atproto.repo.createRecord");
    let (status, made) = post(url.into(), Some(&account.access), &input).await;
    assert_eq!(status, 200, "{made}");
    let mut url = account.xrpc("com.atproto.repo.listRecords");
    url.query_pairs_mut()
        .append_pair("repo", account.did.as_str())
        .append_pair("collection", "app.bsky.feed.post");
    let (_, listed) = get(url).await;
    assert_eq!(listed["records"][0]["uri"], made["uri"]);
    let (status, unknown) = get(account.xrpc("chat.sotto.other")).await;
    assert!(status >= 400 && unknown["error"] != "UpstreamFailure");
    let wrong = get(account.xrpc("chat.sotto.createDelegation")).await;
    assert_eq!(wrong.0, 405);
}

#[tokio::test]
async fn a_large_body_goes_both_ways() {
    let account = Account::new("uploader", 0).await;
    let picture: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let uploaded = client()
        .post(account.xrpc("com.atproto.repo.uploadBlob"))
        .header("content-type", "application/octet-stream")
        .header("authorization", format!("Bearer {}", account.access))
        .body(picture.clone())
        .send()
        .await
        .unwrap();
    let body: Value = serde_json::from_str(&uploaded.text().await.unwrap()).unwrap();
    let cid = body["blob"]["ref"]["$link"].as_str().expect("a blob");
    let record = json!({"$type": "chat.sotto.test", "blob": body["blob"]});
    let input = json!({"repo": account.did, "collection": "chat.sotto.test", "record": record});
    let url = account.xrpc("com.atproto.repo.createRecord");
    assert_eq!(post(url.into(), Some(&account.access), &input).await.0, 200);
    let url = account.xrpc("com.atproto.sync.getBlob");
    let got = client()
        .get(format!("{url}?did={}&cid={cid}", account.did))
        .send()
        .await
        .unwrap();
    assert_eq!(got.bytes().await.unwrap(), picture);
}

#[tokio::test]
async fn handles_are_found_by_the_host_that_was_asked() {
    let account = Account::new("hostess", 0).await;
    let url = pds_url(0).join(".well-known/atproto-did").unwrap();
    let answer = client()
        .get(url)
        .header("host", &account.handle)
        .send()
        .await;
    assert_eq!(answer.unwrap().text().await.unwrap(), account.did.as_str());
}

#[tokio::test]
async fn browsers_are_told_that_they_may() {
    let account = Account::new("browser", 0).await;
    let url = account.xrpc("chat.sotto.createDelegation");
    let preflight = client()
        .request(reqwest::Method::OPTIONS, url.clone())
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization")
        .send()
        .await
        .unwrap();
    assert!(preflight.status().is_success());
    let refused = client().post(url).send().await.unwrap();
    for answer in [preflight, refused] {
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    }
}

#[tokio::test]
async fn a_subscriber_hears_of_record_and_document() {
    let account = Account::new("speaker", 0).await;
    let port = account.pds.port().unwrap();
    let url = format!("ws://127.0.0.1:{port}/xrpc/com.atproto.sync.subscribeRepos");
    let (mut socket, answer) = tokio_tungstenite::connect_async(url).await.unwrap();
    assert_eq!(answer.status(), 101);
    account.create(&SigningKey::from_seed(&[1; 32])).await;
    let mut missing = vec![
        ("#commit", "chat.sotto.delegation"),
        ("#identity", account.did.as_str()),
    ];
    let listening = async {
        while !missing.is_empty() {
            let Some(Ok(Message::Binary(frame))) = socket.next().await else {
                continue;
            };
            let text = String::from_utf8_lossy(&frame).into_owned();
            let about = text.contains(account.did.as_str());
            missing.retain(|(kind, word)| !(about && text.contains(kind) && text.contains(word)));
        }
    };
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, listening)
        .await
        .expect("both events");
    socket.close(None).await.unwrap();
}
