//! `POST /pmr/v1/inbox/{key}/messages`: putting, for anyone (§4.5, §4.6). Which mailbox is meant
//! stands in the key's prefix; the answers of the two kinds are theirs.

mod did;
mod grant;

use std::sync::Arc;

use axum::extract::{Path, Request, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::did::Did;
use sotto_wire::grant::Address;

use crate::reply;
use crate::state::State;

/// Dispatches by prefix. `did:` is tested first: `did:grant:…` would be a DID.
pub(super) async fn put(
    Shared(state): Shared<Arc<State>>,
    Path(key): Path<String>,
    request: Request,
) -> Response {
    if key.starts_with("did:") {
        return match Did::parse(&key) {
            Ok(recipient) => did::put(&state, recipient, request).await,
            Err(_) => reply::empty(StatusCode::BAD_REQUEST),
        };
    }
    match key.strip_prefix("grant:").map(Address::parse) {
        Some(Ok(address)) => grant::put(&state, &address, request).await,
        _ => reply::empty(StatusCode::BAD_REQUEST),
    }
}
