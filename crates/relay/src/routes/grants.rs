//! `POST`, `GET` and `PATCH /pmr/v1/grants` (§4.6).

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::grant::{self, Address, GrantKey, IssuedGrant};
use sotto_wire::random;
use sotto_wire::relay_api::{
    GrantLifecycle, GrantList, GrantsPatch, GrantsRequest, GrantsResponse, ListedGrant,
};

use crate::auth::Owned;
use crate::error::ApiError;
use crate::reply;
use crate::state::{State, timestamp};
use crate::store::sql::Sql;
use crate::store::{DeviceRow, Stored, accounts, grants};

/// Issues grants that deliver to the device that asks.
pub(super) async fn issue(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let result = issued(&state, &owned).await;
    owned.answer(&state, result)
}

/// The device's live grants, without their keys.
pub(super) async fn list(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let (device, now) = (owned.owner.device, state.now_i64());
    let listed = state
        .store
        .read(move |sql| grants::list(sql, device, now))
        .await;
    let result = listed.map_err(ApiError::from).map(|listed| {
        let grants = listed.into_iter().filter_map(|grant| {
            Some(ListedGrant {
                address: Address::parse(&grant.address).ok()?,
                expires: timestamp(grant.expires_at),
                closed: grant.closed,
            })
        });
        reply::cbor(
            StatusCode::OK,
            &GrantList {
                grants: grants.collect(),
            },
        )
    });
    owned.answer(&state, result)
}

async fn issued(state: &State, owned: &Owned) -> Result<Response, ApiError> {
    let asked: GrantsRequest = owned.signed.decode()?;
    if asked.n > state.limits.grants_per_request {
        return Err(ApiError::too_large());
    }
    let expires = state.now().plus(state.limits.grant_lifetime);
    let grants: Vec<IssuedGrant> = (0..asked.n)
        .map(|_| {
            let key = GrantKey::from_bytes(random::array(state.random.as_ref()));
            let address = grant::address(&key, &state.domain);
            IssuedGrant {
                key,
                address,
                expires,
            }
        })
        .collect();
    let kept = grants.clone();
    let (device, now) = (owned.owner.device, state.now_i64());
    let bounds = Bounds {
        policy: state.lifecycle,
        now,
        until: state.later(state.limits.grant_lifetime),
        max: state.limits.grants_per_device,
    };
    let stored = state
        .store
        .write(move |sql| store(sql, device, &kept, bounds))
        .await?;
    match stored {
        Kept::All => Ok(reply::cbor(StatusCode::OK, &GrantsResponse { grants })),
        Kept::TooMany => Err(ApiError::new(StatusCode::CONFLICT, "too-many-grants")),
        Kept::Draining => Err(ApiError::new(StatusCode::CONFLICT, "draining")),
    }
}

/// Begins to drain, or ends it: the device's wish. Repeatable.
pub(super) async fn drain(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let result = drained(&state, &owned).await;
    owned.answer(&state, result)
}

async fn drained(state: &State, owned: &Owned) -> Result<Response, ApiError> {
    let patch: GrantsPatch = owned.signed.decode()?;
    let device = owned.owner.device;
    state
        .store
        .write(move |sql| {
            accounts::lock_device(sql, device)?;
            grants::set_draining(sql, device, patch.draining)
        })
        .await?;
    state.tell_lifecycle(device);
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

enum Kept {
    All,
    TooMany,
    Draining,
}

#[derive(Clone, Copy)]
struct Bounds {
    policy: GrantLifecycle,
    now: i64,
    until: i64,
    max: u64,
}

/// Stores them, unless no more are issued or the device would have too many.
fn store(sql: &dyn Sql, device: DeviceRow, new: &[IssuedGrant], bounds: Bounds) -> Stored<Kept> {
    accounts::lock_device(sql, device)?;
    let lifecycle = grants::lifecycle(sql, device, bounds.policy, bounds.now)?;
    if lifecycle != GrantLifecycle::Active {
        return Ok(Kept::Draining);
    }
    let held = grants::count(sql, device, bounds.now)?;
    if held.saturating_add(u64::try_from(new.len()).unwrap_or(u64::MAX)) > bounds.max {
        return Ok(Kept::TooMany);
    }
    for grant in new {
        let (address, key) = (grant.address.as_str(), grant.key.as_bytes());
        grants::insert(sql, device, address, key, bounds.until)?;
    }
    Ok(Kept::All)
}
