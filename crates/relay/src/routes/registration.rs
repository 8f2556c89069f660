//! `GET` and `DELETE /pmr/v1/registration` (§4.3).

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::device::DeviceId;
use sotto_wire::did::Did;
use sotto_wire::relay_api::RegistrationStatus;

use crate::auth::Owned;
use crate::error::ApiError;
use crate::reply;
use crate::state::State;
use crate::store::accounts;

/// What the relay knows of the device.
pub(super) async fn get(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let owner = &owned.owner;
    let result = Did::parse(&owner.did)
        .map_err(|_| ApiError::not_found())
        .map(|did| {
            let answer = RegistrationStatus {
                did,
                device_id: DeviceId::from_bytes(owner.device_id),
                roster_seq: u64::try_from(owner.roster_seq).unwrap_or(0),
            };
            reply::cbor(StatusCode::OK, &answer)
        });
    owned.answer(&state, result)
}

/// Removes the device with everything that waits for it.
pub(super) async fn delete(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let device = owned.owner.device;
    let result = state
        .store
        .write(move |sql| accounts::remove_device(sql, device))
        .await;
    state.detach(&[device]);
    let result = result
        .map(|()| reply::empty(StatusCode::NO_CONTENT))
        .map_err(ApiError::from);
    owned.answer(&state, result)
}
