//! `GET /pmr/v1/blocks` (§4.5): whom the account does not want to hear from.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::did::Did;
use sotto_wire::relay_api::Blocks;

use crate::auth::Owned;
use crate::error::ApiError;
use crate::reply;
use crate::state::State;
use crate::store::blocks;

/// The DIDs, in their order.
pub(super) async fn list(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let account = owned.owner.account;
    let blocked = state
        .store
        .read(move |sql| blocks::list(sql, account))
        .await;
    let result = blocked.map_err(ApiError::from).map(|blocked| {
        let dids = blocked
            .iter()
            .filter_map(|sender| Did::parse(sender).ok())
            .collect();
        reply::cbor(StatusCode::OK, &Blocks { dids })
    });
    owned.answer(&state, result)
}
