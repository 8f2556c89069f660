//! `PUT`, `HEAD`, `GET` and `DELETE /pmr/v1/attachments/{name}` (§4.8).

mod fetch;
mod range;
mod upload;

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::attachment::ObjectName;

pub(super) use fetch::get;
pub(super) use upload::put;

use crate::auth::Owned;
use crate::error::ApiError;
use crate::state::State;
use crate::store::attachments;
use crate::{objects, reply};

/// Removes an own object. One that somebody else put is as unknown as one that nobody did.
pub(super) async fn delete(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    owned: Owned,
) -> Response {
    let result = deleted(&state, &owned, &name).await;
    owned.answer(&state, result)
}

async fn deleted(state: &State, owned: &Owned, name: &str) -> Result<Response, ApiError> {
    let name = ObjectName::parse(name).map_err(|_| ApiError::not_found())?;
    let account = owned.owner.account;
    let removed = state
        .store
        .write(move |sql| attachments::remove(sql, account, &name))
        .await?;
    if !removed {
        return Err(ApiError::not_found());
    }
    objects::reap(state).await?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
