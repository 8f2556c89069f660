//! What an account keeps, for a device whose own list was lost.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::attachment::ObjectName;
use sotto_wire::relay_api::{ListedObject, MAX_OBJECT_PAGE, ObjectList};

use crate::auth::Owned;
use crate::error::ApiError;
use crate::reply;
use crate::state::{State, timestamp};
use crate::store::attachments;

/// A page, in the order of the names; the cursor is the last of them.
pub(in crate::routes) async fn list(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let result = listed(&state, &owned).await;
    owned.answer(&state, result)
}

async fn listed(state: &State, owned: &Owned) -> Result<Response, ApiError> {
    let after = cursor(owned.signed.query())?;
    let (account, now) = (owned.owner.account, state.now_i64());
    let mut kept = state
        .store
        .read(move |sql| attachments::list(sql, account, after.as_ref(), MAX_OBJECT_PAGE + 1, now))
        .await?;
    let more = kept.len() > MAX_OBJECT_PAGE;
    kept.truncate(MAX_OBJECT_PAGE);
    let cursor = kept
        .last()
        .filter(|_| more)
        .map(|last| last.name.to_string());
    let objects = kept.into_iter().map(|kept| ListedObject {
        name: kept.name,
        size: u64::try_from(kept.size).unwrap_or(0),
        expires: timestamp(kept.expires_at),
    });
    let objects = objects.collect();
    Ok(reply::cbor(StatusCode::OK, &ObjectList { cursor, objects }))
}

fn cursor(query: Option<&str>) -> Result<Option<ObjectName>, ApiError> {
    match query {
        None | Some("" | "cursor=") => Ok(None),
        Some(query) => query
            .strip_prefix("cursor=")
            .and_then(|name| ObjectName::parse(name).ok())
            .map(Some)
            .ok_or(ApiError::malformed()),
    }
}
