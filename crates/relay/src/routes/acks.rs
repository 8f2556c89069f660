//! `POST /pmr/v1/messages/acks` (§4.7).

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::relay_api::Acks;

use crate::auth::Owned;
use crate::delivery;
use crate::error::ApiError;
use crate::reply;
use crate::state::State;

/// Takes messages out of the device's queue; repeatable.
pub(super) async fn acknowledge(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let result = acknowledged(&state, &owned).await;
    owned.answer(&state, result)
}

async fn acknowledged(state: &Arc<State>, owned: &Owned) -> Result<Response, ApiError> {
    let body: Acks = owned.signed.decode()?;
    let max = usize::try_from(state.limits.max_ack_batch).unwrap_or(usize::MAX);
    if body.acks.len() > max {
        // Whole, before anything is removed (PMR, `maxAckBatch`).
        return Err(ApiError::too_large());
    }
    let device = owned.owner.device;
    let until = state.later(state.limits.dedup_expiry);
    let acks = delivery::acknowledged(body.acks, device, until);
    state.acks.run(state, acks).await?;
    // A socket of this device may be waiting for room.
    state.wake(&[device]);
    Ok(reply::empty(StatusCode::OK))
}
