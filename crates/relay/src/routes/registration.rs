//! `GET`, `PATCH` and `DELETE /pmr/v1/registration` (§4.3).

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use sotto_wire::cbor;
use sotto_wire::device::{DeviceCertificate, DeviceId};
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use sotto_wire::relay_api::{AnchorStatus, Paused, RegistrationPatch, RegistrationStatus};

use super::client;
use crate::admission::{self, Asked};
use crate::auth::Owned;
use crate::error::ApiError;
use crate::state::State;
use crate::store::accounts::{self, Owner};
use crate::{reply, watch};

/// What the relay knows of the device.
pub(super) async fn get(Shared(state): Shared<Arc<State>>, owned: Owned) -> Response {
    let result = status(&owned.owner, owned.owner.paused);
    owned.answer(&state, result)
}

/// Changes what may change, and looks at the declaration anew.
pub(super) async fn patch(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, ApiError> {
    let client = client::address(&state, &request);
    state
        .rates
        .registrations
        .take(client, state.clock.now_ms())
        .map_err(ApiError::too_many)?;
    let owned = Owned::read(request, &state).await?;
    let result = patched(&state, &owned).await;
    Ok(owned.answer(&state, result))
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

async fn patched(state: &Arc<State>, owned: &Owned) -> Result<Response, ApiError> {
    let patch: RegistrationPatch = owned.signed.decode()?;
    let owner = &owned.owner;
    match (&patch.cert, &patch.roster) {
        (None, None) => {
            let paused = watch::look_now(state, owner).await?;
            status(owner, paused)
        }
        (Some(cert), Some(roster)) if !owner.anchor => {
            let claimed = DeviceCertificate::parse_unverified(cert);
            if !claimed.is_ok_and(|claimed| cbor::encode(&claimed.device_key) == owner.device_key) {
                return Err(ApiError::unauthorized("bad-certificate"));
            }
            let did = did(owner)?;
            let (status, answer) =
                admission::of_device(state, &did, Asked::default(), (cert, roster)).await?;
            Ok(reply::cbor(status, &answer))
        }
        _ => Err(ApiError::mixed_realms()),
    }
}

fn did(owner: &Owner) -> Result<Did, ApiError> {
    Did::parse(&owner.did).map_err(|_| ApiError::not_found())
}

fn status(owner: &Owner, paused: Option<Paused>) -> Result<Response, ApiError> {
    let did = did(owner)?;
    if owner.anchor {
        let key: Result<PublicKey, _> = cbor::decode(&owner.device_key, owner.device_key.len());
        let key = key.map_err(|_| ApiError::not_found())?;
        return Ok(reply::cbor(
            StatusCode::OK,
            &AnchorStatus { did, key, paused },
        ));
    }
    let answer = RegistrationStatus {
        did,
        device_id: DeviceId::from_bytes(owner.device_id),
        roster_seq: u64::try_from(owner.roster_seq).unwrap_or(0),
        paused,
    };
    Ok(reply::cbor(StatusCode::OK, &answer))
}
