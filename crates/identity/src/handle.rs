//! Handles: their syntax, and which account one leads to. A handle is for display and for finding
//! an account; whether it is believed is decided in [`crate::verify`] (docs/protocol.md §1.4).

use std::fmt;

use serde::{Deserialize, Serialize};
use sotto_wire::did::Did;
use thiserror::Error;
use url::Url;

use crate::http::{HttpError, Response};
use crate::network::{self, Network};

pub(crate) mod dns;

const MAX_LENGTH: usize = 253;
const MAX_ANSWER: usize = 4096;

/// Top-level domains that no handle has (AT Protocol, "Handle").
const RESERVED: [&str; 8] = [
    "alt",
    "arpa",
    "example",
    "internal",
    "invalid",
    "local",
    "localhost",
    "onion",
];

/// A handle, in lower case, without `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Handle(String);

/// Not the syntax of a handle, or a name that is reserved.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a handle")]
pub struct InvalidHandle;

impl InvalidHandle {
    /// The code for the UI.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "handle.invalid"
    }
}

impl Handle {
    /// Reads a handle; upper case is folded.
    ///
    /// # Errors
    /// [`InvalidHandle`].
    pub fn parse(text: &str) -> Result<Self, InvalidHandle> {
        let text = text.to_ascii_lowercase();
        let mut labels = text.rsplit('.');
        let top = labels.next().unwrap_or_default();
        let rest: Vec<&str> = labels.collect();
        let valid = text.len() <= MAX_LENGTH
            && !rest.is_empty()
            && is_label(top)
            && !top.starts_with(|c: char| c.is_ascii_digit())
            && !RESERVED.contains(&top)
            && rest.into_iter().all(is_label);
        if valid {
            Ok(Self(text))
        } else {
            Err(InvalidHandle)
        }
    }

    /// The handle as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Handle {
    type Error = InvalidHandle;

    fn try_from(text: String) -> Result<Self, InvalidHandle> {
        Self::parse(&text)
    }
}

impl From<Handle> for String {
    fn from(handle: Handle) -> Self {
        handle.0
    }
}

/// Why a handle leads to no account.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ResolveError {
    /// Nobody has this handle.
    #[error("nobody has this handle")]
    Unknown,
    /// DNS and the handle's host name different accounts: whoever of the two lies, none is believed.
    #[error("the handle leads to two accounts")]
    Mismatch,
    /// Neither could be asked. Worth another try.
    #[error("the handle cannot be looked up now")]
    Unreachable,
}

impl ResolveError {
    /// The code for the UI.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "handle.unknown",
            Self::Mismatch => "handle.mismatch",
            Self::Unreachable => "offline",
        }
    }
}

impl Network {
    /// The account a handle leads to (docs/protocol.md §1.4 step 1, first half). DNS and the
    /// handle's own host are both asked.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub async fn resolve_handle(&self, handle: &Handle) -> Result<Did, ResolveError> {
        if let Some(resolver) = &self.endpoints.handle_resolver {
            return self.ask_resolver(resolver, handle).await;
        }
        let (dns, host) = tokio::join!(self.ask_dns(handle), self.ask_host(handle));
        match (dns, host) {
            (Ok(dns), Ok(host)) if dns == host => Ok(dns),
            (Ok(_), Ok(_))
            | (Err(ResolveError::Mismatch), _)
            | (_, Err(ResolveError::Mismatch)) => Err(ResolveError::Mismatch),
            (Ok(did), Err(_)) | (Err(_), Ok(did)) => Ok(did),
            // A mistyped handle has no host that could answer; DNS knows the difference between
            // that and being offline.
            (Err(dns), Err(_)) => Err(dns),
        }
    }

    async fn ask_resolver(&self, resolver: &Url, handle: &Handle) -> Result<Did, ResolveError> {
        let method = "com.atproto.identity.resolveHandle";
        let url = network::xrpc_url(resolver, method, &[("handle", handle.as_str())]);
        let answer = self
            .get(url, MAX_ANSWER)
            .await
            .map_err(|_| ResolveError::Unreachable)?;
        let found = answered(&answer)?;
        let did = network::json(found).and_then(|body| Some(body.get("did")?.as_str()?.to_owned()));
        Did::parse(&did.unwrap_or_default()).map_err(|_| ResolveError::Unknown)
    }

    async fn ask_dns(&self, handle: &Handle) -> Result<Did, ResolveError> {
        let texts = self.txt.lookup(&format!("_atproto.{handle}.")).await?;
        dns::named(&texts)
    }

    async fn ask_host(&self, handle: &Handle) -> Result<Did, ResolveError> {
        let url = Url::parse(&format!("https://{handle}/.well-known/atproto-did"))
            .map_err(|_| ResolveError::Unknown)?;
        let answer = self
            .get(url, MAX_ANSWER)
            .await
            .map_err(|error| match error {
                HttpError::Unreachable | HttpError::Unavailable => ResolveError::Unreachable,
                HttpError::Forbidden | HttpError::OutOfBounds => ResolveError::Unknown,
            })?;
        hosted(&answered(&answer)?.body)
    }
}

/// The account that the file `atproto-did` of a host names.
pub(crate) fn hosted(body: &[u8]) -> Result<Did, ResolveError> {
    let text = std::str::from_utf8(body).map_err(|_| ResolveError::Unknown)?;
    Did::parse(text.trim()).map_err(|_| ResolveError::Unknown)
}

fn answered(answer: &Response) -> Result<&Response, ResolveError> {
    match answer.status {
        200..300 => Ok(answer),
        500.. | 429 => Err(ResolveError::Unreachable),
        _ => Err(ResolveError::Unknown),
    }
}

#[cfg(test)]
mod tests;
