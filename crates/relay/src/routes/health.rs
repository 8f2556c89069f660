//! `GET /healthz`, `GET /readyz`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State as Shared;
use axum::http::StatusCode;

use crate::state::State;
use crate::store::journal;

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "ok"
}

/// It can work: the writer is there, a query comes back, and it has not been told to end.
pub(super) async fn ready(Shared(state): Shared<Arc<State>>) -> (StatusCode, &'static str) {
    if able(&state).await {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    }
}

/// Whether it takes work.
pub(super) async fn able(state: &State) -> bool {
    !state.draining.load(Ordering::Acquire)
        && !state.stopping.is_cancelled()
        && state.store.is_open()
        && state.store.read(journal::count).await.is_ok()
}
