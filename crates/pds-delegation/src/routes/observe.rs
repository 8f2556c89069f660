//! One log line around every exchange, which names nobody.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

/// The line has the route and never the path or query: those carry DIDs and handles. It has no
/// address of the client either.
pub(super) async fn exchange(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = match request.method().as_str() {
        // Methods are free text; only known ones are repeated.
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => {
            known.to_owned()
        }
        _ => "other".to_owned(),
    };
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "passed".to_owned(), |path| path.as_str().to_owned());
    let response = next.run(request).await;
    tracing::info!(
        method,
        route,
        status = response.status().as_u16(),
        latency_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "exchange"
    );
    response
}
