//! What an authorization server and a browser say, for the fuzz targets.

use serde_json::Value;
use url::Url;

use super::OAuthError;
use super::dpop::{self, Dpop};
use super::server::{AuthorizationServer, named_issuer};
use super::store::Stored;
use super::tokens::Tokens;
use super::{SCOPE, delegation, listener, pending};
use crate::http::Response;

/// The metadata of a PDS and of its authorization server.
#[must_use]
pub fn metadata(json: &Value, pds: &Url) -> bool {
    let issuer = named_issuer(json, pds);
    let issuer = issuer.as_deref().unwrap_or("https://auth.example");
    AuthorizationServer::from_json(json, issuer, pds, false).is_some()
}

/// An answer of one of its endpoints: tokens, a pushed request, or an error.
///
/// # Errors
/// [`OAuthError`].
pub fn answer(answer: &Response) -> Result<(), OAuthError> {
    let _ = dpop::wants_nonce(answer);
    let _ = pending::read_pushed(answer);
    Tokens::read(answer, SCOPE).map(drop)
}

/// What `com.atproto.repo.getRecord` says about the delegation record.
#[must_use]
pub fn published(json: &Value) -> bool {
    delegation::read_published(json).is_some()
}

/// The request with which the browser comes back.
pub async fn redirect(request: &[u8], state: &str) -> bool {
    listener::is_answer(request, state).await
}

/// A session as it was kept.
#[must_use]
pub fn stored(bytes: &[u8]) -> bool {
    let stored = serde_json::from_slice::<Stored>(bytes);
    stored.is_ok_and(|it| Dpop::from_text(it.dpop_key.expose()).is_some())
}
