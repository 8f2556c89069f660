//! The surface: one route, one file. What is not named here is the PDS's.

mod create;
mod delete;
mod get;
mod health;
mod observe;
mod update;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};

use crate::error::ApiError;
use crate::pass::pass;
use crate::state::State;

/// All routes.
pub(crate) fn router(state: Arc<State>) -> Router {
    // Browsers ask beforehand (OPTIONS); the PDS answers that for every path.
    let api = Router::new()
        .route(
            "/xrpc/chat.sotto.createDelegation",
            post(create::create).options(pass),
        )
        .route(
            "/xrpc/chat.sotto.updateDelegation",
            post(update::update).options(pass),
        )
        .route(
            "/xrpc/chat.sotto.deleteDelegation",
            post(delete::delete).options(pass),
        )
        .route(
            "/xrpc/chat.sotto.getDelegation",
            get(get::get).options(pass),
        )
        .layer(middleware::map_response(for_browsers));
    Router::new()
        .route("/healthz", get(health::alive))
        .merge(api)
        .fallback(pass)
        .method_not_allowed_fallback(async || {
            ApiError::invalid("not with this method of HTTP")
                .with_status(StatusCode::METHOD_NOT_ALLOWED)
        })
        .layer(middleware::from_fn(observe::exchange))
        .with_state(state)
}

/// As the PDS's own methods: for clients in browsers, and never from a cache.
async fn for_browsers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers
        .entry(header::ACCESS_CONTROL_ALLOW_ORIGIN)
        .or_insert(HeaderValue::from_static("*"));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
