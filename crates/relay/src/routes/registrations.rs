//! `POST /pmr/v1/registrations` (§4.3).

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use sotto_wire::cbor;
use sotto_wire::challenge::Realm;
use sotto_wire::claim::Claim;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::relay_api::{RegistrationRequest, RegistrationStatus};
use sotto_wire::roster::{Roster, VerifiedRoster};

use super::client;
use crate::accounts::Unverified;
use crate::auth::Signed;
use crate::error::ApiError;
use crate::reply;
use crate::state::{State, seconds};
use crate::store::accounts::{self, Registered, Registration, RosterDevice};

/// How far from now a claim may have been signed that is not published yet, in seconds.
const CLAIM_AHEAD_SECONDS: u64 = 3600;

/// Registers the device that signs, for an account whose record names this relay.
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
    let claimed = DeviceCertificate::parse_unverified(&body.cert)
        .map_err(|_| ApiError::unauthorized("bad-certificate"))?;
    // Whose key signs is settled before the network is asked anything.
    signed.verify(&state, Realm::Device, &signed.keyid(), &claimed.device_key)?;
    let result = registered(&state, &body).await;
    let response = result.unwrap_or_else(ApiError::into_response);
    Ok(reply::with_next_challenge(
        &state,
        Realm::Device,
        &signed.keyid(),
        response,
    ))
}

async fn registered(state: &State, body: &RegistrationRequest) -> Result<Response, ApiError> {
    let account = state
        .senders
        .verify_now(&body.did)
        .await
        .map_err(|why| match why {
            Unverified::Unreachable => ApiError::new(StatusCode::BAD_GATEWAY, "unresolvable"),
            Unverified::Refused => forbidden("not-delegated"),
        })?;
    if account.key != body.key {
        return Err(forbidden("not-delegated"));
    }
    if account.domain != state.domain && !is_about_to_come(state, body) {
        return Err(forbidden("wrong-domain"));
    }
    let certificate = DeviceCertificate::verify(&body.cert, &account.key, &body.did, state.now())
        .map_err(|_| forbidden("not-delegated"))?;
    let roster = Roster::verify(&body.roster, &account.key, &body.did)
        .map_err(|_| forbidden("not-delegated"))?;
    if !roster.certificates.contains(&body.cert) {
        return Err(forbidden("not-in-roster"));
    }
    let registration = registration(body, &certificate, &roster);
    let outcome = state
        .store
        .write(move |sql| accounts::register(sql, &registration))
        .await?;
    let (status, removed) = match outcome {
        Registered::Created { removed } => (StatusCode::CREATED, removed),
        Registered::Existed { removed } => (StatusCode::OK, removed),
        Registered::StaleRoster => {
            return Err(ApiError::new(StatusCode::CONFLICT, "stale-roster"));
        }
    };
    state.detach(&removed);
    let answer = RegistrationStatus {
        did: body.did.clone(),
        device_id: certificate.device_id,
        roster_seq: roster.seq,
    };
    Ok(reply::cbor(status, &answer))
}

/// Whether the account's key says that its record is about to name this relay. Whoever moves here is
/// registered, and has key packages here, before anybody looks for them here.
fn is_about_to_come(state: &State, body: &RegistrationRequest) -> bool {
    let now = state.now();
    let claim = body.claim.as_ref();
    let claim = claim.and_then(|object| Claim::verify(object, &body.key).ok());
    claim.is_some_and(|claim| {
        let (since, until) = (now.since(claim.issued_at), claim.issued_at.since(now));
        claim.did == body.did
            && claim.domain == state.domain
            && since.max(until) <= CLAIM_AHEAD_SECONDS
    })
}

fn forbidden(code: &'static str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, code)
}

fn registration(
    body: &RegistrationRequest,
    certificate: &DeviceCertificate,
    roster: &VerifiedRoster,
) -> Registration {
    Registration {
        did: body.did.as_str().to_owned(),
        delegate_key: cbor::encode(&body.key),
        roster: body.roster.clone(),
        roster_seq: seconds(roster.seq),
        device: kept(certificate),
        devices: roster.devices.iter().map(kept).collect(),
    }
}

fn kept(certificate: &DeviceCertificate) -> RosterDevice {
    RosterDevice {
        device_id: *certificate.device_id.as_bytes(),
        device_key: cbor::encode(&certificate.device_key),
        thumbprint: *certificate.device_key.thumbprint().as_bytes(),
        certificate_expires: seconds(certificate.expires_at.0),
    }
}
