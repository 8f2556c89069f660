//! Asking an authority, by the HTTP client that the relay has anyway.

use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

const PATIENCE: Duration = Duration::from_secs(30);
/// A request for a certificate has a few kilobytes.
const MAX_BODY: usize = 64 * 1024;

/// The client.
#[derive(Clone)]
pub(super) struct Web {
    client: reqwest::Client,
}

impl Web {
    /// Trusts the public authorities, and those in the file `roots`.
    ///
    /// # Errors
    /// In words.
    pub(super) fn new(roots: Option<&Path>) -> Result<Self, String> {
        let mut builder = reqwest::Client::builder()
            .https_only(true)
            .timeout(PATIENCE)
            .user_agent(concat!("sotto-relay/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = roots {
            let shown = path.display();
            let pem = std::fs::read(path).map_err(|error| format!("{shown}: {error}"))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|_| format!("{shown}: no certificates in PEM"))?;
            builder = roots
                .into_iter()
                .fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { client })
    }
}

impl HttpClient for Web {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.client.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(Body::new(body), MAX_BODY).await;
            let body = body.map_err(|error| Error::Other(error.into()))?;
            let asked = client
                .request(head.method, head.uri.to_string())
                .headers(head.headers)
                .body(body);
            let failed = |error: reqwest::Error| Error::Other(chain(&error).into());
            let answer = asked.send().await.map_err(failed)?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let bytes = answer.bytes().await.map_err(failed)?;
            let mut response = Response::new(());
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(BytesResponse {
                parts: response.into_parts().0,
                body: Box::new(bytes),
            })
        })
    }
}

/// What failed, with what made it fail: the outer error alone says "error sending request".
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
