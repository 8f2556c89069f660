//! `GET /pmr/v1/key-packages/{did}` (§4.4): last resorts, for anyone.

use std::sync::Arc;

use axum::extract::{Path, Request, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::did::Did;

use super::{claim, client};
use crate::error::ApiError;
use crate::reply;
use crate::state::State;
use crate::store::key_packages;

/// The last resort of every device of the account in the path.
pub(super) async fn get(
    Shared(state): Shared<Arc<State>>,
    Path(did): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let client = client::address(&state, &request);
    state
        .rates
        .packages
        .take(client, state.clock.now_ms())
        .map_err(ApiError::too_many)?;
    let did = Did::parse(&did).map_err(|_| ApiError::malformed())?;
    let offer = state
        .store
        .read(move |sql| key_packages::last_resorts(sql, did.as_str()))
        .await?
        .ok_or(ApiError::not_found())?;
    Ok(reply::cbor(StatusCode::OK, &claim::response(offer)))
}
