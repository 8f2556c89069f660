//! `PUT` and `GET /pmr/v1/key-packages` (§4.4), for the owner.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use sha2::{Digest as _, Sha256};
use sotto_wire::relay_api::{KeyPackagesPut, KeyPackagesState, MAX_KEY_PACKAGE};

use crate::auth::Owned;
use crate::error::ApiError;
use crate::reply;
use crate::state::State;
use crate::store::key_packages::{self, Stock};
use crate::store::sql::Sql;
use crate::store::{DeviceRow, Stored, accounts};

/// More than a device ever has here: the largest `maxSingleUse`, the last resort, and room.
const MAX_REMOVED: usize = 1024;

/// Takes packages away, adds single-use ones and replaces the last resort.
pub(super) async fn publish(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let result = published(&state, &owned).await;
    owned.answer(&state, result)
}

/// What is here.
pub(super) async fn list(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let device = owned.owner.device;
    let stock = state
        .store
        .read(move |sql| key_packages::stock(sql, device))
        .await;
    owned.answer(&state, stock.map(answer).map_err(ApiError::from))
}

async fn published(state: &State, owned: &Owned) -> Result<Response, ApiError> {
    if owned.owner.anchor {
        // Nothing in a roster would vouch for them.
        return Err(ApiError::new(StatusCode::FORBIDDEN, "wrong-realm"));
    }
    let body: KeyPackagesPut = owned.signed.decode()?;
    let max = usize::try_from(state.limits.single_use_max).unwrap_or(usize::MAX);
    let mut packages = body.single_use.iter().chain(body.last_resort.as_ref());
    if body.remove.len() > MAX_REMOVED
        || body.single_use.len() > max
        || packages.any(|package| package.len() > MAX_KEY_PACKAGE)
    {
        return Err(ApiError::too_large());
    }
    let device = owned.owner.device;
    let stock = state
        .store
        .write(move |sql| store(sql, device, &body, max))
        .await?
        .ok_or(ApiError::new(StatusCode::CONFLICT, "too-many-packages"))?;
    Ok(answer(stock))
}

/// Stores them, unless there would be too many: then nothing.
fn store(
    sql: &dyn Sql,
    device: DeviceRow,
    body: &KeyPackagesPut,
    max: usize,
) -> Stored<Option<Stock>> {
    accounts::lock_device(sql, device)?;
    let mut held = key_packages::stock(sql, device)?.single_use;
    held.retain(|hash| !body.remove.contains(hash));
    for package in &body.single_use {
        let hash = Sha256::digest(package).to_vec();
        if !held.contains(&hash) {
            held.push(hash);
        }
    }
    if held.len() > max {
        return Ok(None);
    }
    for hash in &body.remove {
        key_packages::remove(sql, device, hash)?;
    }
    for package in &body.single_use {
        key_packages::add_single_use(sql, device, &Sha256::digest(package), package)?;
    }
    if let Some(package) = &body.last_resort {
        key_packages::replace_last_resort(sql, device, &Sha256::digest(package), package)?;
    }
    key_packages::stock(sql, device).map(Some)
}

fn answer(stock: Stock) -> Response {
    let answer = KeyPackagesState {
        last_resort: stock.last_resort,
        single_use: stock.single_use,
    };
    reply::cbor(StatusCode::OK, &answer)
}
