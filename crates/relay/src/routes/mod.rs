//! The surface: one route, one file.

mod acks;
mod adjudication;
mod attachment;
mod block;
mod blocks;
mod challenges;
mod claim;
mod client;
mod enabler;
mod events;
mod grant;
mod grants;
mod health;
mod inbox;
mod key_packages;
mod last_resort;
mod messages;
mod metrics;
mod observe;
mod pool;
mod registration;
mod registrations;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, patch, post, put};

use sotto_wire::attachment::MAX_OBJECT;
use sotto_wire::relay_api::{BODY_OVERHEAD, MAX_KEY_PACKAGES_BODY, paths};

use crate::error::ApiError;
use crate::state::State;
use crate::tls::Certificate;

/// All routes.
pub(crate) fn router(state: Arc<State>) -> Router {
    let body = state.max_message().saturating_add(BODY_OVERHEAD);
    let key_packages = Router::new()
        .route(
            paths::KEY_PACKAGES,
            get(key_packages::list).put(key_packages::publish),
        )
        .layer(DefaultBodyLimit::max(MAX_KEY_PACKAGES_BODY));
    let attachments = Router::new()
        .route(
            paths::ATTACHMENTS,
            get(attachment::list).post(attachment::post),
        )
        .route(
            "/pmr/v1/attachments/{name}",
            get(attachment::get)
                .put(attachment::put)
                .delete(attachment::delete),
        )
        .layer(DefaultBodyLimit::max(MAX_OBJECT));
    let inbox = Router::new()
        .route("/pmr/v1/inbox/{key}/messages", post(inbox::put))
        .layer(DefaultBodyLimit::max(body));
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route(sotto_wire::enabler::PATH, get(enabler::get))
        .route(paths::CHALLENGES, post(challenges::mint))
        .route(paths::REGISTRATIONS, post(registrations::register))
        .route(
            paths::REGISTRATION,
            get(registration::get)
                .patch(registration::patch)
                .delete(registration::delete),
        )
        .route("/pmr/v1/key-packages/{did}", get(last_resort::get))
        .route("/pmr/v1/key-packages/{did}/claims", post(claim::claim))
        .route(paths::POOL, get(pool::list))
        .route(paths::ADJUDICATION, post(adjudication::adjudicate))
        .route(paths::BLOCKS, get(blocks::list))
        .route(
            "/pmr/v1/blocks/{did}",
            put(block::block).delete(block::unblock),
        )
        .route(
            paths::GRANTS,
            get(grants::list).post(grants::issue).patch(grants::drain),
        )
        .route(
            "/pmr/v1/grants/{address}",
            patch(grant::close).delete(grant::invalidate),
        )
        .route(paths::MESSAGES, get(messages::page))
        .route(paths::ACKS, post(acks::acknowledge))
        .route(paths::EVENTS, get(events::attach))
        .layer(DefaultBodyLimit::max(body))
        .merge(key_packages)
        .merge(inbox)
        .merge(attachments)
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed")
        })
        .layer(middleware::from_fn_with_state(
            Arc::clone(&state),
            observe::exchange,
        ))
        .with_state(state)
}

/// What is served to the operator alone, on a port of its own.
pub(crate) fn operator(state: Arc<State>, certificate: Option<Arc<Certificate>>) -> Router {
    Router::new()
        .route("/metrics", get(metrics::get))
        .with_state((state, certificate))
}
