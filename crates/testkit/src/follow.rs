//! Following, as another app of the same account does it.

use crate::client::Client;
use serde_json::{Value, json};
use url::Url;

impl Client {
    /// Follows someone: a record in the own repository.
    ///
    /// # Panics
    /// When the PDS refuses.
    pub async fn follow(&self, whom: &Client) {
        let pds = self.pds().await;
        let account = &self.account;
        let credentials = json!({ "identifier": account.did, "password": account.password });
        let session = post(&pds, "com.atproto.server.createSession", None, &credentials).await;
        let token = session.get("accessJwt").and_then(Value::as_str);
        let record = json!({
            "repo": account.did,
            "collection": "app.bsky.graph.follow",
            "record": {
                "$type": "app.bsky.graph.follow",
                "subject": whom.account.did,
                "createdAt": "2026-01-01T00:00:00.000Z",
            },
        });
        post(&pds, "com.atproto.repo.createRecord", token, &record).await;
    }

    async fn pds(&self) -> Url {
        // Joined, a DID would be taken for a URL of its own.
        let url = format!(
            "{}/{}",
            self.endpoints().plc.as_str().trim_end_matches('/'),
            self.account.did
        );
        let answer = reqwest::get(url).await.expect("the directory answers");
        let text = answer.text().await.expect("a document");
        let document: Value = serde_json::from_str(&text).expect("a document");
        let endpoint = document.pointer("/service/0/serviceEndpoint");
        let endpoint = endpoint.and_then(Value::as_str).expect("a PDS");
        Url::parse(endpoint).expect("a URL")
    }
}

async fn post(pds: &Url, method: &str, token: Option<&str>, body: &Value) -> Value {
    let url = pds.join(&format!("/xrpc/{method}")).expect("a URL");
    let mut request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .body(body.to_string());
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = request.send().await.expect("the PDS answers");
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    assert!(status.is_success(), "{method}: {text}");
    serde_json::from_str(&text).expect("JSON")
}
