//! Putting at a grant (§4.6). This looks like a bug and is the point: **202 whatever the address
//! is**. Unknown, closed, live, and wrong tag get the same bytes after the same work, so that nobody
//! learns from an answer which of them it was (PMR, "The closure exception"). Everything that
//! depends on the address is done by [`crate::journal`] afterwards.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::Response;
use sotto_wire::challenge::{MAX_CHALLENGE, Realm};
use sotto_wire::grant::{Address, GrantPut};

use crate::body;
use crate::error::ApiError;
use crate::metrics;
use crate::reply;
use crate::routes::client;
use crate::state::State;
use crate::store::journal::NewEntry;

/// Journals a put and answers.
pub(super) async fn put(state: &Arc<State>, address: &Address, request: Request) -> Response {
    // Of who puts, never of where: the same for every address (PMR, "The closure exception").
    let client = client::address(state, &request);
    if let Err(seconds) = state.rates.puts.take(client, state.clock.now_ms()) {
        let mut response = reply::empty(StatusCode::TOO_MANY_REQUESTS);
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
        return reply::with_next_challenge(state, Realm::GrantPut, address.as_str(), response);
    }
    let status = match journaled(state, address, request).await {
        Ok(()) => StatusCode::ACCEPTED,
        Err(status) => status,
    };
    metrics::grant_put(match status {
        StatusCode::ACCEPTED => "taken",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        _ => "refused",
    });
    let mut response = reply::empty(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, 5.into());
    }
    reply::with_next_challenge(state, Realm::GrantPut, address.as_str(), response)
}

async fn journaled(
    state: &Arc<State>,
    address: &Address,
    request: Request,
) -> Result<(), StatusCode> {
    // A flood must not fill the disk, and promising 202 without keeping the put would break the
    // promise. So above a bound nothing is taken at all: for every address alike, before a byte of
    // the body is read, on a number that no single address moves noticeably.
    let bound = usize::try_from(state.limits.journal_max).unwrap_or(usize::MAX);
    if state.journaled.load(Ordering::Acquire) >= bound {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let bytes = body::read(request, state).await?;
    let put = GrantPut::decode(&bytes, bytes.len()).map_err(|_| StatusCode::BAD_REQUEST)?;
    drop(bytes);
    if put.m.len() > state.max_message() {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    // No challenge has a NUL, and not every engine keeps one in text.
    if put.n.len() > MAX_CHALLENGE || put.n.contains('\0') {
        return Err(StatusCode::BAD_REQUEST);
    }
    let entry = NewEntry {
        address: address.as_str().to_owned(),
        challenge: put.n,
        tag: put.t.to_vec(),
        message: put.m,
        received_at: state.now_i64(),
    };
    state.journaled.fetch_add(1, Ordering::AcqRel);
    if let Err(error) = state.puts.run(state, entry).await {
        state.resolved(1);
        let _ = ApiError::from(error);
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    state.journal_wake.notify_one();
    Ok(())
}
