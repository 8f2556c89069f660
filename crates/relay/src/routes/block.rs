//! `PUT` and `DELETE /pmr/v1/blocks/{did}` (§4.5).

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::did::Did;
use sotto_wire::random;

use crate::auth::Owned;
use crate::error::ApiError;
use crate::reply;
use crate::state::{State, seconds};
use crate::store::blocks;

/// Between which means the made-up absences of the recipients of blocked senders lie, in seconds.
const PACES: std::ops::Range<u64> = 1800..43_200;

/// Blocks; repeatable.
pub(super) async fn block(
    Shared(state): Shared<Arc<State>>,
    Path(did): Path<String>,
    owned: Owned,
) -> Response {
    let result = blocked(&state, &owned, &did).await;
    owned.answer(&state, result)
}

/// Unblocks; repeatable.
pub(super) async fn unblock(
    Shared(state): Shared<Arc<State>>,
    Path(did): Path<String>,
    owned: Owned,
) -> Response {
    let result = unblocked(&state, &owned, &did).await;
    owned.answer(&state, result)
}

async fn blocked(state: &State, owned: &Owned, did: &str) -> Result<Response, ApiError> {
    let sender = Did::parse(did).map_err(|_| ApiError::malformed())?;
    let (account, max) = (owned.owner.account, state.limits.blocks_max);
    let drawn = u64::from_be_bytes(random::array(state.random.as_ref()));
    let pace = seconds(PACES.start + drawn % (PACES.end - PACES.start));
    let fits = state
        .store
        .write(move |sql| blocks::block(sql, account, sender.as_str(), pace, max))
        .await?;
    if !fits {
        return Err(ApiError::new(StatusCode::CONFLICT, "too-many-blocks"));
    }
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

async fn unblocked(state: &State, owned: &Owned, did: &str) -> Result<Response, ApiError> {
    let sender = Did::parse(did).map_err(|_| ApiError::malformed())?;
    let account = owned.owner.account;
    state
        .store
        .write(move |sql| blocks::unblock(sql, account, sender.as_str()))
        .await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
