//! The one way out: every request of this crate goes through [`Http`], so that bounds hold
//! everywhere and tests can stand in for the network.

use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;
use url::Url;

pub(crate) mod address;
mod resolver;
mod web_client;

pub use address::is_allowed;
pub use web_client::WebClient;

/// HTTP method of a [`Request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET; redirects are followed, three at most, each checked like the first address.
    Get,
    /// POST; with this and the others a redirect is an answer like any other.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

/// A request with its bounds.
#[derive(Clone)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// Header names (lower case) and values.
    pub headers: Vec<(&'static str, String)>,
    /// Empty for GET.
    pub body: Vec<u8>,
    /// The answer is cut off, as [`HttpError::TooLarge`], above this many bytes of body.
    pub max_body: usize,
    /// From the start of the connection to the last byte of the answer, redirects included.
    pub timeout: Duration,
    /// Whether a GET follows redirects.
    pub redirects: bool,
}

impl Request {
    /// A GET with the usual timeout of 15 seconds.
    #[must_use]
    pub fn get(url: Url, max_body: usize) -> Self {
        let timeout = Duration::from_secs(15);
        Self {
            method: Method::Get,
            url,
            headers: Vec::new(),
            body: Vec::new(),
            max_body,
            timeout,
            redirects: true,
        }
    }

    /// A POST with the usual timeout of 15 seconds.
    #[must_use]
    pub fn post(url: Url, content_type: &str, body: Vec<u8>, max_body: usize) -> Self {
        Self::get(url, max_body).with_body(Method::Post, content_type, body)
    }

    /// The same with another method and a body.
    #[must_use]
    pub fn with_body(self, method: Method, content_type: &str, body: Vec<u8>) -> Self {
        Self {
            method,
            body,
            ..self
        }
        .header("content-type", content_type)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// An answer of any status.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names (lower case) and values; values that are not visible ASCII are left out.
    pub headers: Vec<(String, String)>,
    /// At most [`Request::max_body`] bytes.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this (lower case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there was no answer, by what the caller does next.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HttpError {
    /// The address may not be asked: not https, or inside a private network. Trying again is no use.
    #[error("the address is not allowed")]
    Forbidden,
    /// No connection, a broken one, or no answer in time. Worth another try later.
    #[error("the server cannot be reached")]
    Unreachable,
    /// The server answers more than was asked for, or redirects without end.
    #[error("the answer is out of bounds")]
    OutOfBounds,
    /// The TLS or resolver set-up of this machine cannot be used at all.
    #[error("the HTTP client cannot be set up")]
    Unavailable,
}

/// Sends requests. Implementations keep the bounds of [`Request`].
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// [`HttpError`]; an answer with an error status is not an error here.
    async fn send(&self, request: Request) -> Result<Response, HttpError>;
}
