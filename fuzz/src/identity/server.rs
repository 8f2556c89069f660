//! A server that answers every question with the same bytes.

use super::{did, runtime};
use crate::Target;
use async_trait::async_trait;
use sotto_identity::entries;
use sotto_identity::handle::Handle;
use sotto_identity::http::{Http, HttpError, Request, Response};
use sotto_identity::{Endpoints, Network};
use std::sync::Arc;
use url::Url;

pub(super) const SERVER: Target = Target {
    name: "server",
    run: server,
};

struct Always(Response);

#[async_trait]
impl Http for Always {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        if self.0.body.len() > request.max_body {
            return Err(HttpError::OutOfBounds);
        }
        Ok(self.0.clone())
    }
}

/// The first byte is the status, the rest the body.
fn server(bytes: &[u8]) {
    let Some((status, body)) = bytes.split_first() else {
        return;
    };
    let statuses = [200, 400, 404, 429, 500];
    let status = statuses.get(usize::from(*status) % statuses.len());
    let network = answering(status.copied().unwrap_or(200), body);
    let url = Url::parse("https://pds.example").expect("a URL");
    let handle = Handle::parse("alice.bsky.social").expect("a handle");
    runtime().block_on(async {
        let _ = network.did_document(&did()).await;
        let _ = network.resolve_handle(&handle).await;
        let _ = network.profile(&did(), &url).await;
        let _ = network.suggestions("alice", 5).await;
        let _ = network.suggestion_avatar(&url).await;
    });
    if let Ok(page) = serde_json::from_slice(body) {
        entries::follows(&page);
    }
}

fn answering(status: u16, body: &[u8]) -> Network {
    let url = |url: &str| Url::parse(url).expect("a URL");
    let endpoints = Endpoints {
        plc: url("https://plc.example"),
        handle_resolver: Some(url("https://resolver.example")),
        appview: url("https://pds.example"),
        development: false,
    };
    let answer = Response {
        status,
        headers: Vec::new(),
        body: body.to_vec(),
    };
    Network::with_http(endpoints, Arc::new(Always(answer)))
}
