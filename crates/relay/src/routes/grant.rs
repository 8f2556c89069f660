//! `PATCH` and `DELETE /pmr/v1/grants/{address}` (§4.6).

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::relay_api::GrantPatch;

use crate::auth::Owned;
use crate::error::ApiError;
use crate::reply;
use crate::state::State;
use crate::store::grants;

/// Closes or reopens.
pub(super) async fn close(
    Shared(state): Shared<Arc<State>>,
    Path(address): Path<String>,
    owned: Owned,
) -> Response {
    let result = closed(&state, &owned, address).await;
    owned.answer(&state, result)
}

/// Invalidates; a repetition finds nothing and is answered alike.
pub(super) async fn invalidate(
    Shared(state): Shared<Arc<State>>,
    Path(address): Path<String>,
    owned: Owned,
) -> Response {
    let device = owned.owner.device;
    let deleted = state
        .store
        .write(move |sql| grants::delete(sql, device, &address))
        .await;
    // It may have been the last one.
    state.tell_lifecycle(device);
    let result = deleted
        .map(|()| reply::empty(StatusCode::NO_CONTENT))
        .map_err(ApiError::from);
    owned.answer(&state, result)
}

async fn closed(state: &State, owned: &Owned, address: String) -> Result<Response, ApiError> {
    let patch: GrantPatch = owned.signed.decode()?;
    let (device, now) = (owned.owner.device, state.now_i64());
    let found = state
        .store
        .write(move |sql| grants::set_closed(sql, device, &address, patch.closed, now))
        .await?;
    if found {
        Ok(reply::empty(StatusCode::NO_CONTENT))
    } else {
        Err(ApiError::not_found())
    }
}
