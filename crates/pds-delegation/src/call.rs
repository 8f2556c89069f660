//! What the procedures have in common: who calls, with which input, and that a change once begun
//! is brought to its end.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use serde::de::DeserializeOwned;
use sotto_wire::delegation::{COLLECTION, RKEY};
use sotto_wire::did::Did;
use sotto_wire::pds_api::{MAX_INPUT, WriteOutput};

use crate::auth;
use crate::change::Change;
use crate::error::ApiError;
use crate::rules::Claimed;
use crate::state::State;

/// Answers a call of `method`: reads the input, then lets `change` say what is wanted.
pub(crate) async fn answer<T, F>(
    state: Arc<State>,
    request: Request,
    method: &'static str,
    change: F,
) -> Response
where
    T: DeserializeOwned + Send + 'static,
    F: FnOnce(&State, Did, T) -> Result<Change, ApiError> + Send + 'static,
{
    let (parts, body) = request.into_parts();
    let input = match read(&state, &parts.headers, body).await {
        Ok(input) => input,
        Err(error) => return error.into_response(),
    };
    // Only now: a slow client must not keep others from calling.
    let Ok(turn) = Arc::clone(&state.calls).try_acquire_owned() else {
        return ApiError::busy().into_response();
    };
    // A task of its own: a client that goes away must not stop it between record and document.
    let task = state.tasks.spawn({
        let state = Arc::clone(&state);
        async move {
            let _turn = turn;
            perform(&state, &parts.headers, method, input, change).await
        }
    });
    match task.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => error.into_response(),
        Err(_) => ApiError::upstream().into_response(),
    }
}

async fn perform<T, F>(
    state: &State,
    headers: &HeaderMap,
    method: &'static str,
    input: T,
    change: F,
) -> Result<Response, ApiError>
where
    F: FnOnce(&State, Did, T) -> Result<Change, ApiError>,
{
    let did = auth::caller(state, headers, method).await?;
    let change = change(state, did.clone(), input)?;
    let key = change.wanted.as_ref().map(|wanted| wanted.record.key);
    let changed = change.perform(state).await?;
    Ok(match (key, changed.cid) {
        (Some(key), Some(cid)) => axum::Json(WriteOutput {
            uri: format!("at://{did}/{COLLECTION}/{RKEY}"),
            cid,
            document_key: key.to_did_key(),
        })
        .into_response(),
        _ => axum::Json(serde_json::json!({})).into_response(),
    })
}

async fn read<T: DeserializeOwned>(
    state: &State,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ApiError> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return Err(ApiError::invalid("application/json is needed"));
    }
    let reading = axum::body::to_bytes(body, MAX_INPUT);
    let bytes = tokio::time::timeout(state.request_timeout(), reading)
        .await
        .map_err(|_| ApiError::invalid("the input did not come in time"))?
        .map_err(|_| ApiError::invalid("the input is too large, or breaks off"))?;
    serde_json::from_slice(&bytes).map_err(|_| ApiError::invalid("not the lexicon's input"))
}

/// A record that the account wants.
pub(crate) fn wanted(
    state: &State,
    did: &Did,
    record: serde_json::Value,
) -> Result<Claimed, ApiError> {
    Claimed::read(record, did, state.config.development)
}
