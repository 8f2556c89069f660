//! Over the network: the same HTTP client as everything else, which has TLS and proxies already.

use super::{Duplex, Upgrade};
use async_trait::async_trait;
use sotto_identity::http::{HttpError, Response};
use sotto_wire::relay_api::MAX_SMALL_BODY;
use std::time::Duration;
use url::Url;

pub(super) struct Web {
    client: reqwest::Client,
}

impl Web {
    pub(super) fn new(development: bool) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("sotto/", env!("CARGO_PKG_VERSION")));
        let builder = if development {
            builder.no_proxy()
        } else {
            builder
        };
        Ok(Self {
            client: builder.build()?,
        })
    }
}

#[async_trait]
impl Upgrade for Web {
    async fn upgrade(
        &self,
        url: Url,
        headers: Vec<(&'static str, String)>,
    ) -> Result<(Response, Option<Box<dyn Duplex>>), HttpError> {
        let request = headers
            .into_iter()
            .fold(self.client.get(url), |request, (name, value)| {
                request.header(name, value)
            });
        let answer = request.send().await.map_err(|_| HttpError::Unreachable)?;
        let mut head = Response {
            status: answer.status().as_u16(),
            headers: readable(answer.headers()),
            body: Vec::new(),
        };
        if head.status != 101 {
            head.body = body(answer).await?;
            return Ok((head, None));
        }
        let stream = answer.upgrade().await;
        let stream = stream.map_err(|_| HttpError::Unreachable)?;
        Ok((head, Some(Box::new(stream))))
    }
}

fn readable(headers: &reqwest::header::HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    loop {
        let chunk = answer.chunk().await.map_err(|_| HttpError::Unreachable)?;
        let Some(chunk) = chunk else { return Ok(body) };
        if body.len() + chunk.len() > MAX_SMALL_BODY {
            return Err(HttpError::OutOfBounds);
        }
        body.extend_from_slice(&chunk);
    }
}
