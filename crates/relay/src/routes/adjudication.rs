//! `POST /pmr/v1/pool/adjudication` (§4.5): judging them.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::relay_api::Adjudication;

use crate::auth::Owned;
use crate::error::ApiError;
use crate::reply;
use crate::state::State;
use crate::store::pool;

/// Senders one request may judge.
const MAX_SENDERS: usize = 1000;

/// Provisions, releases and discards.
pub(super) async fn adjudicate(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let result = adjudicated(&state, &owned).await;
    owned.answer(&state, result)
}

async fn adjudicated(state: &State, owned: &Owned) -> Result<Response, ApiError> {
    let judged: Adjudication = owned.signed.decode()?;
    if judged.provision.len() + judged.release.len() + judged.discard.len() > MAX_SENDERS {
        return Err(ApiError::too_large());
    }
    let account = owned.owner.account;
    let now = state.now_i64();
    let until = state.later(state.limits.discard_window);
    let devices = state
        .store
        .write(move |sql| {
            let mut devices = Vec::new();
            for did in &judged.provision {
                devices.extend(pool::provision(sql, account, did.as_str(), now)?);
            }
            for did in &judged.release {
                devices.extend(pool::release(sql, account, did.as_str(), now)?);
            }
            for did in &judged.discard {
                pool::discard(sql, account, did.as_str(), until)?;
            }
            Ok(devices)
        })
        .await?;
    state.wake(&devices);
    Ok(reply::empty(StatusCode::OK))
}
