//! Reading bodies, within the route's limit of size and the relay's limit of time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;

use crate::state::State;

/// The body, or the status that says why not: 408, 413, and 400 for one that breaks off.
pub(crate) async fn read(request: Request, state: &Arc<State>) -> Result<Bytes, StatusCode> {
    let limit = Duration::from_secs(state.limits.request_timeout);
    read_within(request, state, limit).await
}

/// The same within another time: large bodies over slow lines take longer.
pub(crate) async fn read_within(
    request: Request,
    state: &Arc<State>,
    limit: Duration,
) -> Result<Bytes, StatusCode> {
    let reading = Bytes::from_request(request, state);
    match tokio::time::timeout(limit, reading).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(rejection)) => match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => Err(StatusCode::PAYLOAD_TOO_LARGE),
            _ => Err(StatusCode::BAD_REQUEST),
        },
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}
