//! `GET /pmr/v1/events` (§4.7): the signed upgrade. What follows is in [`socket`].

mod socket;

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Request, State as Shared, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;

use crate::auth::Owned;
use crate::error::ApiError;
use crate::state::State;

/// An acknowledgement is much smaller; nothing else comes from a client.
const MAX_INCOMING: usize = 8 * 1024;
/// Initial read buffer. The default of 128 KiB would be the larger part of an idle socket.
const READ_BUFFER: usize = 4096;

/// Upgrades the connection of a registered device.
pub(super) async fn attach(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &state)
        .await
        .map_err(|_| ApiError::new(StatusCode::UPGRADE_REQUIRED, "websocket-required"))?;
    let owned = Owned::read(Request::from_parts(parts, body), &state).await?;
    if state.stopping.is_cancelled() {
        return Err(ApiError::unavailable());
    }
    state.watch.used(&owned.owner.did, state.clock.now_ms());
    let (shared, owner) = (Arc::clone(&state), owned.owner.clone());
    let upgraded = upgrade
        .read_buffer_size(READ_BUFFER)
        // Every event is written at once; a buffer would only hold it back.
        .write_buffer_size(0)
        .max_write_buffer_size(state.max_message().saturating_add(64 * 1024))
        .max_message_size(MAX_INCOMING)
        .max_frame_size(MAX_INCOMING)
        .on_upgrade(move |socket| socket::run(shared, owner, socket));
    Ok(owned.answer(&state, Ok(upgraded)))
}
