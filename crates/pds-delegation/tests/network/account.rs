//! An account with a password, and what it publishes.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use sotto_wire::claim::{Claim, Incoming};
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::key::SigningKey;
use sotto_wire::pds_api;
use sotto_wire::succession::Succession;
use sotto_wire::time::{Clock as _, SystemClock};
use url::Url;

use crate::fixture::{control, get, pds_url, post};

/// No two records are the same, however fast they are made.
fn created_at() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("2026-01-01T00:00:00.{n:06}Z")
}

pub(crate) struct Account {
    pub(crate) did: Did,
    pub(crate) handle: String,
    pub(crate) email: String,
    pub(crate) password: String,
    /// As the public knows it: this service.
    pub(crate) pds: Url,
    pub(crate) access: String,
}

impl Account {
    /// A new account that has signed in with its password, through the service.
    pub(crate) async fn new(name: &str, pds: usize) -> Self {
        let made = control("/accounts", json!({"name": name, "pds": pds})).await;
        let text = |key: &str| made[key].as_str().unwrap().to_owned();
        let credentials = json!({"identifier": text("handle"), "password": text("password")});
        let url = format!("{}xrpc/com.atproto.server.createSession", pds_url(pds));
        let (status, session) = post(url, None, &credentials).await;
        assert_eq!(status, 200, "{session}");
        Self {
            did: Did::parse(&text("did")).unwrap(),
            handle: text("handle"),
            email: text("email"),
            password: text("password"),
            pds: pds_url(pds),
            access: session["accessJwt"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) fn audience(&self) -> String {
        let port = self.pds.port().unwrap();
        format!("did:web:localhost%3A{port}#sotto_delegation")
    }

    /// A service token of the account, as its PDS gives it.
    pub(crate) async fn token(&self, method: &str) -> String {
        self.token_for(&self.audience(), method, None).await
    }

    pub(crate) async fn token_for(&self, aud: &str, method: &str, exp: Option<u64>) -> String {
        let mut url = self.xrpc("com.atproto.server.getServiceAuth");
        url.query_pairs_mut()
            .append_pair("aud", aud)
            .append_pair("lxm", method);
        if let Some(exp) = exp {
            url.query_pairs_mut().append_pair("exp", &exp.to_string());
        }
        let answer = crate::fixture::client()
            .get(url)
            .header("authorization", format!("Bearer {}", self.access))
            .send()
            .await
            .unwrap();
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        body["token"].as_str().expect("a token").to_owned()
    }

    pub(crate) fn xrpc(&self, method: &str) -> Url {
        self.pds.join(&format!("xrpc/{method}")).unwrap()
    }

    /// Calls a procedure with a fresh token.
    pub(crate) async fn call(&self, method: &str, input: &Value) -> (u16, Value) {
        self.call_at(&self.pds, method, input).await
    }

    /// The same at another service for this PDS.
    pub(crate) async fn call_at(&self, base: &Url, method: &str, input: &Value) -> (u16, Value) {
        let token = self.token(method).await;
        let url = base.join(&format!("xrpc/{method}")).unwrap();
        post(url.into(), Some(&token), input).await
    }

    /// Calls a procedure that has to be refused; the error's name.
    pub(crate) async fn refused(&self, method: &str, input: &Value) -> String {
        let (status, body) = self.call(method, input).await;
        assert!(status >= 400, "{method}: {status} {body}");
        body["error"].as_str().expect("a name").to_owned()
    }

    /// Creates a delegation to `key`; the record's CID.
    pub(crate) async fn create(&self, key: &SigningKey) -> String {
        let input = json!({"record": self.record(key, 1, &[])});
        let (status, body) = self.call(pds_api::CREATE, &input).await;
        assert_eq!(status, 200, "{body}");
        body["cid"].as_str().unwrap().to_owned()
    }

    /// What the PDS's own API says of the account.
    pub(crate) async fn delegation(&self) -> pds_api::GetOutput {
        let url = format!("{}?did={}", self.xrpc(pds_api::GET), self.did);
        let (status, body) = get(url).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_value(body).expect("the lexicon's output")
    }

    /// A record that delegates to `key`.
    pub(crate) fn record(&self, key: &SigningKey, seq: u64, chain: &[Vec<u8>]) -> Value {
        let claim = self.claim(key, seq);
        DelegationRecord {
            key: key.public(),
            domain: claim.domain.clone(),
            claim: claim.sign(key),
            succession: chain.to_vec(),
            incoming: claim.incoming,
            created_at: created_at(),
        }
        .to_json()
    }

    pub(crate) fn claim(&self, key: &SigningKey, seq: u64) -> Claim {
        Claim {
            did: self.did.clone(),
            key: key.public(),
            domain: Domain::parse("localhost:7777").unwrap(),
            incoming: Incoming::Everyone,
            seq,
            issued_at: SystemClock.now(),
        }
    }

    pub(crate) fn succession(&self, from: &SigningKey, to: &SigningKey, seq: u64) -> Vec<u8> {
        let step = Succession {
            did: self.did.clone(),
            seq,
            issued_at: SystemClock.now(),
            successor: to.public(),
            predecessor: from.public(),
        };
        step.sign(from)
    }
}
