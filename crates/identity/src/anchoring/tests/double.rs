//! A PDS, its authorization server and the directory in one, which can be made to misbehave.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use sotto_wire::did::Did;
use sotto_wire::random::OsRandom;
use sotto_wire::time::SystemClock;

use super::super::operation;
use crate::http::{Http, HttpError, Method, Request, Response};
use crate::network::Network;
use crate::oauth::tests::MemoryStore;
use crate::oauth::{IDENTITY_SCOPE, IdentityPermission, OAuth, OAuthError};
use crate::testing::{RepoSigner, endpoints};

pub(super) const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
pub(super) const CODE: &str = "ABCDE-FGHIJ";
const XRPC: &str = "/xrpc/com.atproto.identity.";

/// What becomes of an operation that is submitted.
#[derive(Clone, Copy)]
pub(super) enum Submitted {
    Taken(u16),
    Lost(u16),
}

pub(super) struct State {
    /// The last operation of the log.
    pub(super) last: Value,
    pub(super) scope: &'static str,
    pub(super) consents: bool,
    /// What the PDS does to an operation before it signs it.
    pub(super) tamper: fn(&mut Value),
    /// The last operation of the log that comes right after the PDS has signed.
    pub(super) meanwhile: Option<Value>,
    pub(super) submitted: Submitted,
    /// Answers in place of the right ones, by the end of the path.
    pub(super) instead: Vec<(&'static str, u16, &'static str)>,
    /// Changes the document that is served.
    pub(super) document: fn(&mut Value),
    /// Every POST: path and body.
    pub(super) posted: Vec<(String, String)>,
}

#[derive(Clone)]
pub(super) struct Double(pub(super) Arc<Mutex<State>>);

pub(super) fn operation() -> Value {
    let atproto = format!("did:key:{}", RepoSigner::k256().multibase());
    json!({
        "type": "plc_operation",
        "rotationKeys": ["did:key:zQ3shRecovery", "did:key:zQ3shServer"],
        "verificationMethods": {"atproto": atproto, "other": "did:key:z6Mkother"},
        "alsoKnownAs": ["at://alice.example.com", "https://alice.example.com"],
        "services": {
            "atproto_pds": {"type": "AtprotoPersonalDataServer", "endpoint": "https://pds.example"},
            "labeler": {"type": "AtprotoLabeler", "endpoint": "https://labels.example"},
        },
        "prev": null,
        "sig": "first",
    })
}

impl Double {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            last: operation(),
            scope: IDENTITY_SCOPE,
            consents: true,
            tamper: |_| {},
            meanwhile: None,
            submitted: Submitted::Taken(200),
            instead: Vec::new(),
            document: |_| {},
            posted: Vec::new(),
        })))
    }

    pub(super) fn with(self, change: impl FnOnce(&mut State)) -> Self {
        change(&mut self.0.lock().unwrap());
        self
    }

    pub(super) fn network(&self) -> Network {
        Network::with_http(endpoints(), Arc::new(self.clone()))
    }

    pub(super) fn last(&self) -> Value {
        self.0.lock().unwrap().last.clone()
    }

    /// The bodies that a procedure or endpoint was called with.
    pub(super) fn posted(&self, name: &str) -> Vec<String> {
        let state = self.0.lock().unwrap();
        let named = state.posted.iter().filter(|(path, _)| path.ends_with(name));
        named.map(|(_, body)| body.clone()).collect()
    }

    /// Goes through the browser's part; also gives the store of the session beside it.
    pub(super) async fn permit(
        &self,
    ) -> (Result<IdentityPermission, OAuthError>, Arc<MemoryStore>) {
        let store = Arc::<MemoryStore>::default();
        let oauth = OAuth::new(
            self.network(),
            Arc::clone(&store) as _,
            Arc::new(SystemClock),
            Arc::new(OsRandom),
        );
        let did = Did::parse(DID).unwrap();
        let pending = match oauth.ask_for_identity(&did).await {
            Ok(pending) => pending,
            Err(error) => return (Err(error), store),
        };
        let (outcome, ()) = tokio::join!(pending.finish(), self.decide());
        (outcome, store)
    }

    pub(super) async fn permission(&self) -> IdentityPermission {
        self.permit().await.0.unwrap()
    }

    async fn decide(&self) {
        let form = self.posted("/par").pop().unwrap();
        let field = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(form.as_bytes());
            pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
        };
        let decision = match self.0.lock().unwrap().consents {
            true => "code=c&iss=https%3A%2F%2Fpds.example",
            false => "error=access_denied",
        };
        let url = format!(
            "{}?{decision}&state={}",
            field("redirect_uri"),
            field("state")
        );
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        assert!(client.get(url).send().await.unwrap().status().is_success());
    }
}

#[async_trait]
impl Http for Double {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        tokio::task::yield_now().await;
        let mut state = self.0.lock().unwrap();
        let path = request.url.path().to_owned();
        let body = String::from_utf8(request.body).unwrap();
        if request.method == Method::Post {
            state.posted.push((path.clone(), body.clone()));
        }
        let instead = state.instead.iter().find(|(end, ..)| path.ends_with(end));
        if let Some((_, status, body)) = instead {
            if *status == 0 {
                return Err(HttpError::Unreachable);
            }
            return Ok(answer(*status, (*body).to_owned()));
        }
        let (status, body) = match path.strip_prefix(XRPC) {
            Some("requestPlcOperationSignature") => (200, String::new()),
            Some("signPlcOperation") => state.sign(&body),
            Some("submitPlcOperation") => state.submit(&body),
            _ => (200, state.other(&path)),
        };
        Ok(answer(status, body))
    }
}

fn answer(status: u16, body: String) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.into_bytes(),
    }
}

impl State {
    /// As `@atproto/pds` does it: what is not in the input stays.
    fn sign(&mut self, input: &str) -> (u16, String) {
        let input: Value = serde_json::from_str(input).unwrap();
        if input["token"] != CODE {
            return (400, r#"{"error": "InvalidToken"}"#.to_owned());
        }
        let mut signed = operation();
        for name in [
            "rotationKeys",
            "verificationMethods",
            "alsoKnownAs",
            "services",
        ] {
            signed[name] = input.get(name).unwrap_or(&self.last[name]).clone();
        }
        signed["prev"] = json!(operation::cid(&self.last));
        signed["sig"] = json!("signed");
        (self.tamper)(&mut signed);
        if let Some(meanwhile) = self.meanwhile.take() {
            self.last = meanwhile;
        }
        (200, json!({ "operation": signed }).to_string())
    }

    fn submit(&mut self, input: &str) -> (u16, String) {
        let input: Value = serde_json::from_str(input).unwrap();
        match self.submitted {
            Submitted::Taken(status) => {
                self.last = input["operation"].clone();
                (status, String::new())
            }
            Submitted::Lost(status) => (status, String::new()),
        }
    }

    fn other(&self, path: &str) -> String {
        let here = "https://pds.example";
        let value = match path {
            "/.well-known/oauth-protected-resource" => {
                json!({"resource": here, "authorization_servers": [here]})
            }
            "/.well-known/oauth-authorization-server" => json!({
                "issuer": here,
                "authorization_endpoint": format!("{here}/authorize"),
                "pushed_authorization_request_endpoint": format!("{here}/par"),
                "token_endpoint": format!("{here}/token"),
                "revocation_endpoint": format!("{here}/revoke"),
                "dpop_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["atproto"],
                "authorization_response_iss_parameter_supported": true,
            }),
            "/par" => json!({"request_uri": "urn:x:1"}),
            "/token" => json!({
                "access_token": "a", "refresh_token": "r", "token_type": "DPoP",
                "expires_in": 3600, "scope": self.scope, "sub": DID,
            }),
            "/revoke" => json!({}),
            path if path.ends_with("/log/last") => self.last.clone(),
            _ => self.did_document(),
        };
        value.to_string()
    }

    fn did_document(&self) -> Value {
        let methods = self.last["verificationMethods"].as_object().unwrap();
        let methods = methods.iter().map(|(id, key)| {
            let key = key.as_str().unwrap().trim_start_matches("did:key:");
            json!({"id": format!("{DID}#{id}"), "type": "Multikey", "publicKeyMultibase": key})
        });
        let mut document = json!({
            "id": DID,
            "alsoKnownAs": self.last["alsoKnownAs"],
            "verificationMethod": methods.collect::<Vec<_>>(),
            "service": [{
                "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": self.last["services"]["atproto_pds"]["endpoint"],
            }],
        });
        (self.document)(&mut document);
        document
    }
}
