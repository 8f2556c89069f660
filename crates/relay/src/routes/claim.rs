//! `POST /pmr/v1/key-packages/{did}/claims` (§4.4): one package per device, for a device of another
//! account.

use std::sync::Arc;

use axum::extract::{Path, Request, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sotto_wire::cbor;
use sotto_wire::challenge::Realm;
use sotto_wire::device::{DeviceCertificate, DeviceId};
use sotto_wire::did::Did;
use sotto_wire::key::Thumbprint;
use sotto_wire::relay_api::{ClaimRequest, ClaimResponse, ClaimedPackage};

use super::client;
use crate::accounts::Unverified;
use crate::auth::Signed;
use crate::error::ApiError;
use crate::metrics;
use crate::reply;
use crate::state::State;
use crate::store::key_packages::{self, Offer};
use crate::store::sql::Sql;
use crate::store::{Stored, accounts};

/// How long a repeated claim gets the same packages (§4.4), in seconds.
const REPEAT: u64 = 600;

/// Hands out packages of the account in the path.
pub(super) async fn claim(
    Shared(state): Shared<Arc<State>>,
    Path(did): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let client = client::address(&state, &request);
    state
        .rates
        .packages
        .take(client, state.clock.now_ms())
        .map_err(ApiError::too_many)?;
    let did = Did::parse(&did).map_err(|_| ApiError::malformed())?;
    let signed = Signed::read(request, &state).await?;
    let body: ClaimRequest = signed.decode()?;
    let claimed = DeviceCertificate::parse_unverified(&body.cert)
        .map_err(|_| ApiError::unauthorized("bad-certificate"))?;
    // Whose key signs is settled before the network is asked anything.
    signed.verify(&state, Realm::Claim, &[did.as_str()], &claimed.device_key)?;
    state
        .senders
        .verify_device(&body.did, &body.cert)
        .await
        .map_err(|why| match why {
            Unverified::Unreachable => ApiError::new(StatusCode::BAD_GATEWAY, "unresolvable"),
            Unverified::Refused => ApiError::new(StatusCode::FORBIDDEN, "not-delegated"),
        })?;
    let device = claimed.device_key.thumbprint();
    let result = handed_out(&state, &did, &body, &device).await;
    let response = result.unwrap_or_else(ApiError::into_response);
    Ok(reply::with_next_challenge(
        &state,
        Realm::Claim,
        did.as_str(),
        response,
    ))
}

async fn handed_out(
    state: &State,
    did: &Did,
    asked: &ClaimRequest,
    device: &Thumbprint,
) -> Result<Response, ApiError> {
    let claimant = &asked.did;
    let claim = claim_key(state, did, asked, device);
    let (key, of) = (claim.clone(), did.as_str().to_owned());
    let now = state.now_i64();
    let repeated = state
        .store
        .read(move |sql| repeated(sql, &of, &key, now))
        .await?;
    if let Some(answer) = repeated {
        metrics::claim("repeated");
        return Ok(encoded(answer));
    }
    state
        .rates
        .claimants
        .take(claimant.as_str().to_owned(), state.clock.now_ms())
        .map_err(ApiError::too_many)?;
    let sparing = is_to_be_spared(state, did, claimant);
    let did = did.as_str().to_owned();
    let until = state.later(REPEAT);
    let answer = state
        .store
        .write(move |sql| take(sql, &did, &claim, (now, until), sparing))
        .await?
        .ok_or(ApiError::not_found())?;
    metrics::claim(if sparing { "spared" } else { "handed_out" });
    Ok(encoded(answer))
}

/// Whether the single-use packages of this account are to be spared: enough of them went to this
/// claimant, or to everybody, for now. It is reached by its last resort then, which a refusal would
/// deny to those who mean well.
fn is_to_be_spared(state: &State, did: &Did, claimant: &Did) -> bool {
    let now = state.clock.now_ms();
    let pair = (claimant.as_str().to_owned(), did.as_str().to_owned());
    let rates = &state.rates;
    rates.claimed_by_one.take(pair, now).is_err()
        || rates.claimed.take(did.as_str().to_owned(), now).is_err()
}

/// The earlier answer to this very claim, unless the account has another roster by now: with that
/// one it would be refused.
fn repeated(sql: &dyn Sql, did: &str, key: &[u8], now: i64) -> Stored<Option<Vec<u8>>> {
    let Some(answer) = key_packages::repeated_claim(sql, key, now)? else {
        return Ok(None);
    };
    let handed: Option<ClaimResponse> = cbor::decode(&answer, answer.len()).ok();
    let current = key_packages::roster(sql, did)?;
    let same = handed.map(|handed| handed.roster) == current;
    Ok(same.then_some(answer))
}

/// Takes packages and remembers the answer in one transaction: of two claims at once by the same
/// claimant, the second sees the first's answer.
fn take(
    sql: &dyn Sql,
    did: &str,
    key: &[u8],
    (now, until): (i64, i64),
    sparing: bool,
) -> Stored<Option<Vec<u8>>> {
    if accounts::locked_by_did(sql, did)?.is_none() {
        return Ok(None);
    }
    if let Some(answer) = repeated(sql, did, key, now)? {
        return Ok(Some(answer));
    }
    let Some(offer) = key_packages::claim(sql, did, sparing)? else {
        return Ok(None);
    };
    let empty = offer.packages.is_empty();
    let answer = cbor::encode(&response(offer));
    // Nothing was handed out that could be handed out again, and the owner may be about to publish.
    if !empty {
        key_packages::remember_claim(sql, key, &answer, until)?;
    }
    Ok(Some(answer))
}

/// An offer as the wire has it.
pub(super) fn response(offer: Offer) -> ClaimResponse {
    let packages = offer.packages.into_iter().map(|handed| ClaimedPackage {
        device_id: DeviceId::from_bytes(handed.device_id),
        package: handed.package,
        last_resort: handed.last_resort,
    });
    ClaimResponse {
        roster: offer.roster,
        packages: packages.collect(),
    }
}

/// Under the relay's secret, so that the database does not say who claimed whose packages.
///
/// By device and by what the claim is for: neither a device that was installed anew nor the next send
/// group of the same device must get packages that were used up before.
fn claim_key(state: &State, did: &Did, asked: &ClaimRequest, device: &Thumbprint) -> Vec<u8> {
    let parts = [
        b"claim\0".as_slice(),
        did.as_str().as_bytes(),
        b"\0",
        asked.did.as_str().as_bytes(),
        b"\0",
        device.as_bytes(),
        &asked.id,
    ];
    state.challenges.derive(&parts)
}

fn encoded(answer: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/cbor")], answer).into_response()
}
