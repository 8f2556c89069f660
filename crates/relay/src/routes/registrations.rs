//! `POST /pmr/v1/registrations` (§4.3). What the request carries says in which realm: certificate and
//! roster, or neither.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use sotto_wire::challenge::Realm;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::relay_api::RegistrationRequest;

use super::client;
use crate::admission::{self, Asked};
use crate::auth::Signed;
use crate::error::ApiError;
use crate::reply;
use crate::state::State;

/// Registers whoever signs, for an account whose record names this relay.
pub(super) async fn register(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Result<Response, ApiError> {
    let client = client::address(&state, &request);
    state
        .rates
        .registrations
        .take(client, state.clock.now_ms())
        .map_err(ApiError::too_many)?;
    let signed = Signed::read(request, &state).await?;
    let body: RegistrationRequest = signed.decode()?;
    match (&body.cert, &body.roster) {
        (Some(cert), Some(roster)) => device(&state, &signed, &body, (cert, roster)).await,
        (None, None) => key_alone(&state, &signed, &body).await,
        _ => Err(ApiError::mixed_realms()),
    }
}

async fn device(
    state: &State,
    signed: &Signed,
    body: &RegistrationRequest,
    shown: (&[u8], &[u8]),
) -> Result<Response, ApiError> {
    let claimed = DeviceCertificate::parse_unverified(shown.0)
        .map_err(|_| ApiError::unauthorized("bad-certificate"))?;
    let keyid = signed.keyid();
    // Whose key signs is settled before the network is asked anything.
    signed.verify(state, Realm::Device, &[&keyid], &claimed.device_key)?;
    let result = admission::of_device(state, &body.did, asked(body), shown).await;
    let response = answered(result);
    Ok(reply::with_next_challenge(
        state,
        Realm::Device,
        &keyid,
        response,
    ))
}

async fn key_alone(
    state: &State,
    signed: &Signed,
    body: &RegistrationRequest,
) -> Result<Response, ApiError> {
    let keyid = signed.keyid();
    let subjects = [keyid.as_str(), body.did.as_str()];
    signed.verify(state, Realm::Anchor, &subjects, &body.key)?;
    let response = answered(admission::of_key(state, &body.did, &body.key, asked(body)).await);
    Ok(reply::with_next_challenge(
        state,
        Realm::Anchor,
        &keyid,
        response,
    ))
}

fn asked(body: &RegistrationRequest) -> Asked<'_> {
    Asked {
        key: Some(&body.key),
        claim: body.claim.as_deref(),
    }
}

fn answered<T: serde::Serialize>(result: Result<(StatusCode, T), ApiError>) -> Response {
    match result {
        Ok((status, answer)) => reply::cbor(status, &answer),
        Err(error) => error.into_response(),
    }
}
