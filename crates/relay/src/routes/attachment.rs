//! `PUT`, `HEAD`, `GET` and `DELETE /pmr/v1/attachments/{name}`, `POST` and `GET /pmr/v1/attachments`
//! (§4.8).

mod fetch;
mod list;
mod range;
mod upload;

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::attachment::ObjectName;

pub(super) use fetch::get;
pub(super) use list::list;
pub(super) use upload::{post, put};

use crate::auth::Owned;
use crate::error::ApiError;
use crate::state::State;
use crate::store::attachments;
use crate::{objects, reply};

/// Removes an own object. Whether there was one makes no difference: it is repeated where an answer
/// was lost (PMR storage contract §6).
pub(super) async fn delete(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    owned: Owned,
) -> Response {
    let result = deleted(&state, &owned, &name).await;
    owned.answer(&state, result)
}

async fn deleted(state: &State, owned: &Owned, name: &str) -> Result<Response, ApiError> {
    let name = ObjectName::parse(name).map_err(|_| ApiError::malformed())?;
    let account = owned.owner.account;
    let removed = state
        .store
        .write(move |sql| attachments::remove(sql, account, &name))
        .await?;
    if removed {
        objects::reap(state).await?;
    }
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
