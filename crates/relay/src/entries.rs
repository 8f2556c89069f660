//! An entry past the socket, for the fuzz targets.

use axum::body::Body;
use axum::http::Request;
use std::sync::Arc;
use tower::ServiceExt as _;

use crate::{RunningRelay, routes};

/// Answers a request as if it had come in, and gives the status of the answer. Nothing where method,
/// target or a header are none that HTTP allows.
pub async fn answer(
    relay: &RunningRelay,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Option<u16> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body)).ok()?;
    let answer = routes::router(Arc::clone(relay.state())).oneshot(request);
    Some(answer.await.ok()?.status().as_u16())
}
