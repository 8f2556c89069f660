//! `POST /pmr/v1/challenges` (§4.2).

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::challenge::{ChallengeRequest, ChallengeResponse};
use sotto_wire::did::MAX_DID;

use super::client;
use crate::body;
use crate::error::ApiError;
use crate::reply;
use crate::state::State;

/// Larger than any realm and subject.
const MAX_BODY: usize = MAX_DID + 64;

/// Mints a challenge for whoever asks, about whomever: it stores nothing and says nothing.
pub(super) async fn mint(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, ApiError> {
    let client = client::address(&state, &request);
    state
        .rates
        .challenges
        .take(client, state.clock.now_ms())
        .map_err(ApiError::too_many)?;
    let body = body::read(request, &state)
        .await
        .map_err(ApiError::unread)?;
    let asked: ChallengeRequest =
        sotto_wire::cbor::decode(&body, MAX_BODY).map_err(|_| ApiError::malformed())?;
    let minted = state.mint(asked.r, &asked.s);
    let answer = ChallengeResponse {
        c: minted.challenge,
        e: minted.expires,
    };
    Ok(reply::cbor(StatusCode::OK, &answer))
}
