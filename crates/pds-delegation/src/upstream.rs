//! The PDS, asked as any client would ask it, with access tokens that are minted here.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use sotto_wire::delegation::{COLLECTION, RKEY};
use sotto_wire::did::Did;
use sotto_wire::time::Clock;
use url::Url;

use crate::config::{Config, Secrets};
use crate::mint;

mod records;

pub(crate) use records::{Present, WriteError};

const CONNECT: Duration = Duration::from_secs(5);
/// A call to the PDS, to the last byte of its answer.
const CALL: Duration = Duration::from_secs(30);
/// Less than a Node server keeps an idle connection, so that none is used in its last moment.
const IDLE: Duration = Duration::from_secs(4);
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// The way to the PDS.
pub(crate) struct Upstream {
    client: Client<HttpConnector, Body>,
    base: Url,
    service: Did,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
}

/// The PDS did not answer, or not in bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreachable;

/// An answer of the PDS, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The `error` of the body.
    pub(crate) fn error(&self) -> Option<String> {
        Some(self.json()?.get("error")?.as_str()?.to_owned())
    }
}

/// What became of a PLC operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Submitted {
    /// It is in the log.
    Done,
    /// It was refused.
    Refused,
    /// Nobody said.
    Unknown,
}

impl Upstream {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE)
                .pool_timer(hyper_util::rt::TokioTimer::new())
                .build(connector),
            base: config.upstream.clone(),
            service: config.service_did.clone(),
            secrets: config.secrets.clone(),
            clock,
        }
    }

    /// Whether the account's repository is on this PDS.
    pub(crate) async fn hosts(&self, did: &Did) -> Result<bool, Unreachable> {
        let query = [("did", did.as_str())];
        let answer = self.query("com.atproto.sync.getRepoStatus", &query).await?;
        match answer.status.as_u16() {
            200 => Ok(true),
            429 | 500.. => Err(Unreachable),
            _ => Ok(false),
        }
    }

    /// Proof of the account's delegation record, or of its absence.
    pub(crate) async fn proof(&self, did: &Did) -> Result<Bytes, Unreachable> {
        let query = [
            ("did", did.as_str()),
            ("collection", COLLECTION),
            ("rkey", RKEY),
        ];
        let answer = self.query("com.atproto.sync.getRecord", &query).await?;
        if answer.status == StatusCode::OK {
            Ok(answer.body)
        } else {
            Err(Unreachable)
        }
    }

    /// Has the PDS submit an operation, which it checks once more and announces.
    pub(crate) async fn submit(&self, did: &Did, operation: &Value) -> Submitted {
        let method = "com.atproto.identity.submitPlcOperation";
        let input = json!({ "operation": operation });
        match self.procedure(did, method, &input).await {
            Ok(answer) if answer.status == StatusCode::OK => Submitted::Done,
            Ok(answer) if answer.status.is_client_error() => Submitted::Refused,
            Ok(_) | Err(Unreachable) => Submitted::Unknown,
        }
    }

    async fn query(&self, method: &str, query: &[(&str, &str)]) -> Result<Answer, Unreachable> {
        let request = Request::get(self.xrpc(method, query)?);
        self.call(request.body(Body::empty())).await
    }

    async fn procedure(
        &self,
        did: &Did,
        method: &str,
        input: &Value,
    ) -> Result<Answer, Unreachable> {
        let now = self.clock.now();
        let token = mint::access_token(&self.secrets.jwt, &self.service, did, now);
        let request = Request::post(self.xrpc(method, &[])?)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", *token));
        self.call(request.body(Body::from(input.to_string()))).await
    }

    fn xrpc(&self, method: &str, query: &[(&str, &str)]) -> Result<Uri, Unreachable> {
        let mut url = self.base.clone();
        url.set_path(&format!("/xrpc/{method}"));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url.as_str().parse().map_err(|_| Unreachable)
    }

    async fn call(
        &self,
        request: axum::http::Result<Request<Body>>,
    ) -> Result<Answer, Unreachable> {
        let request = request.map_err(|_| Unreachable)?;
        let exchange = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(|_| Unreachable)?;
            let status = response.status();
            let body = axum::body::to_bytes(Body::new(response.into_body()), MAX_ANSWER).await;
            let body = body.map_err(|_| Unreachable)?;
            Ok(Answer { status, body })
        };
        tokio::time::timeout(CALL, exchange)
            .await
            .unwrap_or(Err(Unreachable))
    }

    /// Passes a request on as it is, but for where it goes. `path` begins with a slash.
    pub(crate) async fn pass(
        &self,
        method: Method,
        path: &str,
        headers: axum::http::HeaderMap,
        body: Body,
    ) -> Result<Response<Incoming>, Unreachable> {
        let base = self.base.as_str().trim_end_matches('/');
        let uri: Uri = format!("{base}{path}").parse().map_err(|_| Unreachable)?;
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        self.client.request(request).await.map_err(|_| Unreachable)
    }
}
