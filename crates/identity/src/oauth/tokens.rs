//! The token endpoint: code for tokens, refresh token for new tokens, revocation.

use serde::Deserialize;
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use super::dpop::Dpop;
use super::store::{Secret, Stored};
use super::{Context, OAuthError};
use crate::http::{Request, Response};
use crate::network;

const MAX_ANSWER: usize = 64 * 1024;
/// Assumed where a server does not say how long a token lasts, in seconds.
const DEFAULT_LIFETIME: u64 = 300;
const MAX_LIFETIME: u64 = 24 * 60 * 60;

/// An answer of the token endpoint.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: Secret,
    pub(super) refresh_token: Option<Secret>,
    token_type: String,
    expires_in: Option<u64>,
    scope: String,
    pub(super) sub: String,
}

impl Tokens {
    /// Reads an answer and checks what holds for every one: bound to the key, with all that was
    /// asked for. A server drops a scope that it does not know without a word.
    pub(super) fn read(answer: &Response, asked: &str) -> Result<Self, OAuthError> {
        let tokens: Self =
            serde_json::from_slice(&answer.body).map_err(|_| OAuthError::ExchangeFailed)?;
        if !tokens.token_type.eq_ignore_ascii_case("DPoP") {
            return Err(OAuthError::ExchangeFailed);
        }
        let granted = |wanted| tokens.scope.split(' ').any(|scope| scope == wanted);
        if asked.split(' ').all(granted) {
            Ok(tokens)
        } else {
            Err(OAuthError::ScopeMissing)
        }
    }

    pub(super) fn expires_at(&self, context: &Context) -> u64 {
        let lifetime = self
            .expires_in
            .unwrap_or(DEFAULT_LIFETIME)
            .min(MAX_LIFETIME);
        context.clock.now().plus(lifetime).0
    }
}

/// Exchanges an authorization code.
pub(super) async fn exchange(
    context: &Context,
    dpop: &Dpop,
    endpoint: &Url,
    form: &[(&str, &str)],
) -> Result<Tokens, OAuthError> {
    let answer = post(context, dpop, endpoint, form).await?;
    match answer.status {
        200 => Tokens::read(&answer, context.scope),
        429 | 500.. => Err(OAuthError::Unreachable),
        _ => Err(OAuthError::ExchangeFailed),
    }
}

/// Exchanges the refresh token of `session`; it is used up by that.
pub(super) async fn refresh(
    context: &Context,
    dpop: &Dpop,
    session: &Stored,
) -> Result<Tokens, OAuthError> {
    let token = session.refresh_token.as_ref().ok_or(OAuthError::Expired)?;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.expose()),
        ("client_id", &session.client_id),
    ];
    let answer = post(context, dpop, &session.server.token, &form).await?;
    match (answer.status, network::error_name(&answer).as_deref()) {
        (200, _) => Tokens::read(&answer, context.scope),
        (400 | 401, Some("invalid_grant" | "invalid_client" | "unauthorized_client")) => {
            Err(OAuthError::Expired)
        }
        (429 | 500.., _) => Err(OAuthError::Unreachable),
        _ => Err(OAuthError::Rejected),
    }
}

/// Tells the server to forget the session; whether it did.
pub(super) async fn revoke(context: &Context, dpop: &Dpop, session: &Stored) -> bool {
    let Some(endpoint) = &session.server.revocation else {
        return false;
    };
    let token = session
        .refresh_token
        .as_ref()
        .unwrap_or(&session.access_token);
    let form = [("token", token.expose()), ("client_id", &session.client_id)];
    post(context, dpop, endpoint, &form)
        .await
        .is_ok_and(|answer| answer.is_success())
}

/// Posts a form with a DPoP proof.
pub(super) async fn post(
    context: &Context,
    dpop: &Dpop,
    endpoint: &Url,
    form: &[(&str, &str)],
) -> Result<Response, OAuthError> {
    let body = Zeroizing::new(Serializer::new(String::new()).extend_pairs(form).finish());
    let kind = "application/x-www-form-urlencoded";
    let request = Request::post(endpoint.clone(), kind, body.as_bytes().to_vec(), MAX_ANSWER);
    dpop.send(context, request.header("accept", "application/json"), None)
        .await
}
