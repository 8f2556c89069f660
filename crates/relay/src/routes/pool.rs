//! `GET /pmr/v1/pool` (§4.5): who waits to be judged.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::did::Did;
use sotto_wire::relay_api::Pool;

use crate::auth::Owned;
use crate::error::ApiError;
use crate::reply;
use crate::state::State;
use crate::store::pool;

/// The DIDs, longest waiting first.
pub(super) async fn list(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let account = owned.owner.account;
    let now = state.now_i64();
    let senders = state
        .store
        .read(move |sql| pool::senders(sql, account, now))
        .await;
    let result = senders.map_err(ApiError::from).map(|senders| {
        let dids = senders
            .iter()
            .filter_map(|sender| Did::parse(sender).ok())
            .collect();
        reply::cbor(StatusCode::OK, &Pool { dids })
    });
    owned.answer(&state, result)
}
