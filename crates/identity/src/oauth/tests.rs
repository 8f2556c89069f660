//! What a real server cannot be made to do; the rest is in `tests/network.rs`.

use std::sync::Mutex as BlockingMutex;

use async_trait::async_trait;
use serde_json::json;
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::random::OsRandom;
use sotto_wire::time::SystemClock;
use url::Url;
use zeroize::Zeroizing;

use super::*;
use crate::testing::{FakeNet, RepoSigner, endpoints};

const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const PAR: &str = "https://auth.example/par";
const TOKEN: &str = "https://auth.example/token";
const REVOKE: &str = "https://auth.example/revoke";
const PUT: &str = "https://pds.example/xrpc/com.atproto.repo.putRecord";

#[derive(Default)]
pub(crate) struct MemoryStore(BlockingMutex<HashMap<String, Vec<u8>>>);

impl MemoryStore {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.0.lock().unwrap().get(key).cloned().map(Zeroizing::new))
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0
            .lock()
            .unwrap()
            .insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.lock().unwrap().remove(key);
        Ok(())
    }
}

fn oauth(net: &FakeNet, store: &Arc<MemoryStore>) -> OAuth {
    let network = net.clone().network(endpoints());
    OAuth::new(
        network,
        Arc::clone(store) as _,
        Arc::new(SystemClock),
        Arc::new(OsRandom),
    )
}

pub(super) fn context(net: FakeNet) -> Arc<Context> {
    oauth(&net, &Arc::default()).context
}

/// An account, its document, its PDS and the authorization server.
fn net() -> FakeNet {
    let document = json!({
        "id": DID,
        "alsoKnownAs": ["at://alice.example.com"],
        "verificationMethod": [{
            "id": "#atproto", "type": "Multikey",
            "publicKeyMultibase": RepoSigner::k256().multibase(),
        }],
        "service": [{
            "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": "https://pds.example",
        }],
    });
    let resource = json!({"resource": "https://pds.example", "authorization_servers": ["https://auth.example"]});
    let server = json!({
        "issuer": "https://auth.example",
        "authorization_endpoint": "https://auth.example/authorize?x=1",
        "pushed_authorization_request_endpoint": PAR,
        "token_endpoint": TOKEN,
        "revocation_endpoint": REVOKE,
        "dpop_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["atproto"],
        "authorization_response_iss_parameter_supported": true,
    });
    let resource_url = "https://pds.example/.well-known/oauth-protected-resource";
    let server_url = "https://auth.example/.well-known/oauth-authorization-server";
    FakeNet::new()
        .txt("_atproto.alice.example.com.", &[&format!("did={DID}")])
        .answer(
            &format!("https://plc.example/{DID}"),
            200,
            document.to_string(),
        )
        .answer(resource_url, 200, resource.to_string())
        .answer(server_url, 200, server.to_string())
}

fn asking(net: FakeNet) -> FakeNet {
    net.post(PAR, 201, r#"{"request_uri": "urn:x:1", "expires_in": 60}"#)
}

fn tokens(access: &str, lifetime: u64) -> serde_json::Value {
    json!({
        "access_token": access, "refresh_token": format!("{access}-refresh"),
        "token_type": "DPoP", "expires_in": lifetime, "scope": SCOPE, "sub": DID,
    })
}

fn alice() -> Handle {
    Handle::parse("alice.example.com").unwrap()
}

/// A field of a form that was posted.
fn field(request: &crate::http::Request, name: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(&request.body);
    pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
}

/// Plays the browser: comes back with `query` and the right state.
async fn come_back(net: &FakeNet, query: &str) {
    let asked = &net.posted()[0];
    let url = format!(
        "{}?{query}&state={}",
        field(asked, "redirect_uri"),
        field(asked, "state")
    );
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(url)
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), 200);
}

const CONSENT: &str = "code=c&iss=https%3A%2F%2Fauth.example";

async fn finish(net: &FakeNet, query: &str) -> (Result<Session, OAuthError>, Arc<MemoryStore>) {
    let store = Arc::default();
    let pending = oauth(net, &store).sign_in(&alice()).await.unwrap();
    let (outcome, ()) = tokio::join!(pending.finish(), come_back(net, query));
    (outcome, store)
}

#[tokio::test]
async fn signs_in_with_all_that_the_profile_asks_for() {
    let net = asking(net()).post(TOKEN, 200, tokens("a", 3600).to_string());
    let (session, store) = finish(&net, CONSENT).await;
    assert_eq!(session.unwrap().did().as_str(), DID);
    let posted = net.posted();
    assert_eq!(field(&posted[0], "scope"), SCOPE);
    assert_eq!(field(&posted[0], "code_challenge_method"), "S256");
    assert_eq!(field(&posted[0], "login_hint"), "alice.example.com");
    let challenge = secret::b64u(<sha2::Sha256 as sha2::Digest>::digest(field(
        &posted[1],
        "code_verifier",
    )));
    assert_eq!(field(&posted[0], "code_challenge"), challenge);
    assert!(
        posted
            .iter()
            .all(|request| request.headers.iter().any(|(name, _)| *name == "dpop"))
    );
    assert_eq!(store.0.lock().unwrap().len(), 1);
    let again = oauth(&net, &store)
        .restore(&Did::parse(DID).unwrap())
        .await
        .unwrap();
    assert_eq!(again.did().as_str(), DID);
}

/// `getDelegation` of a PDS that offers the API.
fn offering() -> serde_json::Value {
    json!({
        "did": DID, "audience": "did:web:pds.example#sotto_delegation", "car": {"$bytes": "AQ"},
    })
}

#[tokio::test]
async fn more_is_asked_for_only_where_the_pds_offers_its_api() {
    let get = format!(
        "https://pds.example/xrpc/chat.sotto.getDelegation?did={}",
        DID.replace(':', "%3A")
    );
    let more = format!(
        "{SCOPE} rpc?lxm=chat.sotto.createDelegation&lxm=chat.sotto.deleteDelegation\
         &lxm=chat.sotto.updateDelegation&aud=did:web:pds.example%23sotto_delegation"
    );
    let no = json!({"error": "AuthMissing"});
    for (status, body, scope) in [
        (200, offering(), more.as_str()),
        (401, no.clone(), SCOPE),
        (503, no, SCOPE),
    ] {
        let net = asking(net()).answer(&get, status, body.to_string());
        // A server that grants no more than the rest is no reason to stop.
        let net = net.post(TOKEN, 200, tokens("a", 3600).to_string());
        let (session, _) = finish(&net, CONSENT).await;
        assert!(session.is_ok());
        let (asked, exchanged) = (&net.posted()[0], &net.posted()[1]);
        assert_eq!(field(asked, "scope"), scope);
        for request in [asked, exchanged] {
            assert_eq!(field(request, "client_id"), client_id(scope));
        }
    }
}

#[tokio::test]
async fn the_url_for_the_browser_says_little() {
    let net = asking(net());
    let pending = oauth(&net, &Arc::default())
        .sign_in(&alice())
        .await
        .unwrap();
    let url = Url::parse(pending.authorize_url()).unwrap();
    let keys: Vec<_> = url.query_pairs().map(|(key, _)| key.into_owned()).collect();
    assert_eq!(keys, ["x", "client_id", "request_uri"]);
}

#[tokio::test]
async fn answers_that_do_not_hold_give_no_session() {
    let change = |name: &str, value: serde_json::Value| {
        let mut tokens = tokens("a", 3600);
        tokens[name] = value;
        (200, tokens.to_string())
    };
    let other = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
    let cases = [
        (change("sub", json!(other)), OAuthError::ExchangeFailed),
        (
            change("token_type", json!("Bearer")),
            OAuthError::ExchangeFailed,
        ),
        (change("access_token", json!(7)), OAuthError::ExchangeFailed),
        (change("scope", json!("atproto")), OAuthError::ScopeMissing),
        (
            change("scope", json!("atproto repo:chat.sotto.delegationx")),
            OAuthError::ScopeMissing,
        ),
        ((200, "<html>".to_owned()), OAuthError::ExchangeFailed),
        (
            (400, r#"{"error": "invalid_grant"}"#.to_owned()),
            OAuthError::ExchangeFailed,
        ),
        ((400, "[".to_owned()), OAuthError::ExchangeFailed),
        ((503, String::new()), OAuthError::Unreachable),
    ];
    for ((status, body), expected) in cases {
        let net = asking(net()).post(TOKEN, status, body.clone());
        let (outcome, store) = finish(&net, CONSENT).await;
        assert_eq!(outcome.err(), Some(expected), "{status} {body}");
        assert!(store.0.lock().unwrap().is_empty());
    }
    let gone = asking(net());
    assert_eq!(
        finish(&gone, CONSENT).await.0.err(),
        Some(OAuthError::Unreachable)
    );
}

#[tokio::test]
async fn an_answer_of_another_server_is_refused_before_the_code_is_used() {
    for query in ["code=c&iss=https%3A%2F%2Fevil.example", "code=c"] {
        let net = asking(net());
        assert_eq!(
            finish(&net, query).await.0.err(),
            Some(OAuthError::ExchangeFailed)
        );
        assert_eq!(
            net.posted().len(),
            1,
            "nothing but the pushed request was sent"
        );
    }
}

#[tokio::test]
async fn refusals_cancelling_and_waiting_too_long() {
    let net = asking(asking(asking(net())));
    assert_eq!(
        finish(&net, "error=access_denied").await.0.err(),
        Some(OAuthError::Denied)
    );

    let mut pending = oauth(&net, &Arc::default())
        .sign_in(&alice())
        .await
        .unwrap();
    pending.timeout = std::time::Duration::from_millis(20);
    assert_eq!(pending.finish().await.err(), Some(OAuthError::TimedOut));

    let pending = oauth(&net, &Arc::default())
        .sign_in(&alice())
        .await
        .unwrap();
    let canceller = pending.canceller();
    let cancel = async { canceller.cancel() };
    let (outcome, ()) = tokio::join!(pending.finish(), cancel);
    assert_eq!(outcome.err(), Some(OAuthError::Cancelled));
}

#[tokio::test]
async fn a_server_that_wants_a_nonce_gets_it_once() {
    let nonce = |value: &str| vec![("dpop-nonce".to_owned(), value.to_owned())];
    let wants = r#"{"error": "use_dpop_nonce"}"#;
    let net = net().post_with(PAR, 400, nonce("n1"), wants).post(
        PAR,
        201,
        r#"{"request_uri": "urn:x:1"}"#,
    );
    assert!(oauth(&net, &Arc::default()).sign_in(&alice()).await.is_ok());
    let stubborn = self::net()
        .post_with(PAR, 400, nonce("n1"), wants)
        .post_with(PAR, 400, nonce("n2"), wants);
    let outcome = oauth(&stubborn, &Arc::default()).sign_in(&alice()).await;
    assert_eq!(outcome.err(), Some(OAuthError::Rejected));
    assert_eq!(stubborn.posted().len(), 2);
}

#[tokio::test]
async fn a_handle_that_the_account_does_not_name_is_refused() {
    let net = net().txt("_atproto.other.example.com.", &[&format!("did={DID}")]);
    let other = Handle::parse("other.example.com").unwrap();
    let outcome = oauth(&net, &Arc::default()).sign_in(&other).await;
    assert_eq!(outcome.err(), Some(OAuthError::HandleMismatch));
}

fn record() -> DelegationRecord {
    DelegationRecord {
        key: sotto_wire::key::SigningKey::from_seed(&[1; 32]).public(),
        domain: sotto_wire::domain::Domain::parse("relay.example").unwrap(),
        claim: vec![1, 2, 3],
        succession: Vec::new(),
        incoming: sotto_wire::claim::Incoming::Everyone,
        created_at: "2026-01-01T00:00:00Z".to_owned(),
    }
}

/// A session whose access token lasts `lifetime` seconds.
async fn session(net: FakeNet, lifetime: u64) -> (Session, FakeNet, Arc<MemoryStore>) {
    let net = asking(net).post(TOKEN, 200, tokens("a", lifetime).to_string());
    let (session, store) = finish(&net, CONSENT).await;
    (session.unwrap(), net, store)
}

#[tokio::test]
async fn many_requests_share_one_refresh() {
    let (session, net, _) = session(net(), 0).await;
    let net = net.post(TOKEN, 200, tokens("b", 3600).to_string());
    let net = (0..5).fold(net, |net, _| net.post(PUT, 200, "{}"));
    let record = record();
    let put = || session.put_delegation(&record, None);
    let outcome = tokio::join!(put(), put(), put(), put(), put());
    assert_eq!(outcome, (Ok(()), Ok(()), Ok(()), Ok(()), Ok(())));
    let refreshes = net
        .posted()
        .iter()
        .filter(|request| request.url.as_str() == TOKEN)
        .count();
    assert_eq!(refreshes, 2, "the code and one refresh");
}

#[tokio::test]
async fn a_refused_token_is_refreshed_and_the_request_sent_again() {
    let (session, net, store) = session(net(), 3600).await;
    let net = net
        .post(PUT, 401, r#"{"error": "invalid_token"}"#)
        .post(TOKEN, 200, tokens("b", 3600).to_string())
        .post(PUT, 200, "{}");
    assert_eq!(session.put_delegation(&record(), None).await, Ok(()));
    let last = net.posted().last().unwrap().clone();
    assert!(
        last.headers
            .contains(&("authorization", "DPoP b".to_owned()))
    );
    let body: serde_json::Value = serde_json::from_slice(&last.body).unwrap();
    assert_eq!(body["swapRecord"], serde_json::Value::Null);
    assert!(body.as_object().unwrap().contains_key("swapRecord"));
    let kept = store.0.lock().unwrap().values().next().unwrap().clone();
    assert!(String::from_utf8(kept).unwrap().contains("b-refresh"));
}

#[tokio::test]
async fn the_end_of_a_session_is_told_from_a_bad_connection() {
    for (status, body, expected, kept) in [
        (400, r#"{"error": "invalid_grant"}"#, OAuthError::Expired, 0),
        (503, "", OAuthError::Unreachable, 1),
        (400, "?", OAuthError::Rejected, 1),
    ] {
        let (session, net, store) = session(net(), 0).await;
        let _net = net.post(TOKEN, status, body);
        assert_eq!(
            session.put_delegation(&record(), None).await,
            Err(expected),
            "{body}"
        );
        assert_eq!(store.0.lock().unwrap().len(), kept, "{body}");
    }
}

#[tokio::test]
async fn refusals_of_a_record_are_told_apart() {
    for (status, body, expected) in [
        (
            400,
            r#"{"error": "InvalidSwap"}"#,
            OAuthError::RecordChanged,
        ),
        (
            403,
            r#"{"error": "ScopeMissingError"}"#,
            OAuthError::ScopeMissing,
        ),
        (400, r#"{"error": "InvalidRequest"}"#, OAuthError::Rejected),
        (502, "", OAuthError::Unreachable),
    ] {
        let (session, net, _) = session(net(), 3600).await;
        let _net = net.post(PUT, status, body);
        assert_eq!(
            session.put_delegation(&record(), None).await,
            Err(expected),
            "{body}"
        );
    }
}

#[tokio::test]
async fn signing_out_forgets_even_where_the_server_is_away() {
    let (session, net, store) = session(net(), 3600).await;
    assert_eq!(session.sign_out().await, Ok(()));
    assert!(store.0.lock().unwrap().is_empty());
    assert_eq!(net.posted().last().unwrap().url.as_str(), REVOKE);
    let restored = oauth(&net, &store).restore(&Did::parse(DID).unwrap()).await;
    assert_eq!(restored.err(), Some(OAuthError::Expired));
}

#[tokio::test]
async fn an_old_session_does_not_overwrite_a_new_one() {
    let net = asking(asking(net()))
        .post(TOKEN, 200, tokens("old", 0).to_string())
        .post(TOKEN, 200, tokens("new", 3600).to_string())
        .post(TOKEN, 200, tokens("late", 3600).to_string())
        .post(PUT, 200, "{}");
    let store = Arc::default();
    let oauth = oauth(&net, &store);
    let mut sessions = Vec::new();
    for turn in 0..2 {
        let pending = oauth.sign_in(&alice()).await.unwrap();
        let asked = net
            .posted()
            .into_iter()
            .filter(|r| r.url.as_str() == PAR)
            .nth(turn)
            .unwrap();
        let state = field(&asked, "state");
        let url = format!("{}?{CONSENT}&state={state}", field(&asked, "redirect_uri"));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let (session, page) = tokio::join!(pending.finish(), client.get(url).send());
        page.unwrap();
        sessions.push(session.unwrap());
    }
    assert_eq!(sessions[0].put_delegation(&record(), None).await, Ok(()));
    let kept = store.0.lock().unwrap().values().next().unwrap().clone();
    assert!(String::from_utf8(kept).unwrap().contains("new-refresh"));
}

#[tokio::test]
async fn what_cannot_be_read_from_the_store_is_no_session() {
    let store = Arc::<MemoryStore>::default();
    store.set(&format!("oauth/{DID}"), b"{}").await.unwrap();
    let restored = oauth(&net(), &store)
        .restore(&Did::parse(DID).unwrap())
        .await;
    assert_eq!(restored.err(), Some(OAuthError::Expired));
}

#[test]
fn the_client_id_carries_no_port() {
    assert_eq!(
        client_id(SCOPE),
        "http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback\
         &scope=atproto+repo%3Achat.sotto.delegation"
    );
}
