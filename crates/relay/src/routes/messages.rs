//! `GET /pmr/v1/messages?cursor=` (§4.7).

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::relay_api::{MAX_PAGE, MessagesPage};

use crate::auth::Owned;
use crate::delivery;
use crate::error::ApiError;
use crate::reply;
use crate::state::State;
use crate::store::queue;

/// A page of the device's queue, oldest first.
pub(super) async fn page(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let result = paged(&state, &owned).await;
    owned.answer(&state, result)
}

async fn paged(state: &State, owned: &Owned) -> Result<Response, ApiError> {
    let after = cursor(owned.signed.query()).ok_or(ApiError::malformed())?;
    let (device, now) = (owned.owner.device, state.now_i64());
    let mut queued = state
        .store
        .read(move |sql| queue::page(sql, device, after, MAX_PAGE + 1, now))
        .await?;
    let more = queued.len() > MAX_PAGE;
    queued.truncate(MAX_PAGE);
    let cursor = queued
        .last()
        .filter(|_| more)
        .map(|last| last.seq.to_string());
    let messages = queued
        .into_iter()
        .filter_map(delivery::from_queue)
        .collect();
    Ok(reply::cbor(
        StatusCode::OK,
        &MessagesPage { cursor, messages },
    ))
}

/// The position that the query names. A cursor is opaque to clients; here it is a queue position
/// of the device, digits only, so nothing in it is ever escaped.
fn cursor(query: Option<&str>) -> Option<i64> {
    match query {
        None | Some("" | "cursor=") => Some(0),
        Some(query) => query.strip_prefix("cursor=")?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::cursor;

    #[test]
    fn reads_its_own_cursors_only() {
        for start in [None, Some(""), Some("cursor=")] {
            assert_eq!(cursor(start), Some(0));
        }
        assert_eq!(cursor(Some("cursor=12")), Some(12));
        for refused in [
            "cursor=x",
            "x=1",
            "cursor=1&x=2",
            "cursor=99999999999999999999",
        ] {
            assert_eq!(cursor(Some(refused)), None);
        }
    }
}
