//! Around every exchange: a task of its own, and one log line that names nobody.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State as Shared};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::error::ApiError;
use crate::metrics;
use crate::state::State;

/// Runs the exchange, in a task of its own: a client that goes away must not stop it between a
/// commit and what follows from it. Bodies, verification and the store bound its time.
pub(super) async fn exchange(
    Shared(state): Shared<Arc<State>>,
    request: Request,
    next: Next,
) -> Response {
    let id: [u8; 8] = sotto_wire::random::array(state.random.as_ref());
    let task = state.tasks.spawn(logged(hex::encode(id), request, next));
    task.await
        .unwrap_or_else(|_| ApiError::unavailable().into_response())
}

/// The line has the route's template and never the path: paths carry DIDs and addresses. It has no
/// address of the client either.
async fn logged(id: String, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = match request.method().as_str() {
        // Methods are free text; only known ones are repeated.
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    metrics::exchange(&method, &route, response.status().as_u16());
    tracing::info!(
        request = id,
        method,
        route,
        status = response.status().as_u16(),
        latency_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "exchange"
    );
    response
}
