//! Who calls: a service token of the account (docs/protocol.md §1.9, "Authentication").

use axum::http::{HeaderMap, header};
use sotto_wire::did::Did;
use sotto_wire::pds_api::ErrorName;

use crate::error::ApiError;
use crate::state::State;

mod replay;
mod token;

pub(crate) use replay::Replays;

/// The account that calls `method`, whose DID document says that it is on this PDS.
pub(crate) async fn caller(
    state: &State,
    headers: &HeaderMap,
    method: &'static str,
) -> Result<Did, ApiError> {
    let text = bearer(headers)?;
    let token = token::Token::parse(text)?;
    let now = state.clock.now();
    token.check(&state.config.audience, method, now, state.replays.since())?;
    // Cheap questions first: the directory is asked for accounts of this PDS only.
    hosted(state, &token.did).await?;
    let document = state.network.did_document(&token.did).await;
    let document = document.map_err(|_| ApiError::directory())?;
    if document.pds != state.config.public_url {
        return Err(not_hosted());
    }
    if !token.is_signed_by(&document.signing_key) {
        let message = "the account's key did not sign the token";
        return Err(ApiError::new(ErrorName::BadJwtSignature, message));
    }
    state
        .replays
        .spend(&token.did, &token.id, token.expires, now)?;
    Ok(token.did)
}

/// That the PDS has a repository of the account.
pub(crate) async fn hosted(state: &State, did: &Did) -> Result<(), ApiError> {
    match state.upstream.hosts(did).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(not_hosted()),
        Err(_) => Err(ApiError::upstream()),
    }
}

fn not_hosted() -> ApiError {
    ApiError::new(ErrorName::NotHosted, "the account is not on this PDS")
}

fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let missing = ApiError::new(
        ErrorName::AuthenticationRequired,
        "a service token is needed",
    );
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(missing);
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token)
    } else {
        Err(missing)
    }
}
