//! Who may be registered (§4.3), in both realms: what an account's record has to say, and what comes
//! of it.

use axum::http::StatusCode;
use sotto_wire::cbor;
use sotto_wire::claim::Claim;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use sotto_wire::relay_api::{AnchorStatus, RegistrationStatus};
use sotto_wire::roster::Roster;

use crate::accounts::{Account, Unverified};
use crate::error::ApiError;
use crate::state::{State, seconds};
use crate::store::accounts::{self, Key, Registered, Registration, RosterDevice};
use crate::watch;

/// How far from now a claim may have been signed that is not published yet, in seconds.
const CLAIM_AHEAD_SECONDS: u64 = 3600;

/// What a request says that the record has to agree with.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    /// The delegate key, where one is named.
    pub(crate) key: Option<&'a PublicKey>,
    /// A claim that is about to be published.
    pub(crate) claim: Option<&'a [u8]>,
}

/// Registers a device by its certificate and a roster that has it.
pub(crate) async fn of_device(
    state: &State,
    did: &Did,
    asked: Asked<'_>,
    (cert, roster): (&[u8], &[u8]),
) -> Result<(StatusCode, RegistrationStatus), ApiError> {
    let account = account(state, did, asked).await?;
    let certificate = DeviceCertificate::verify(cert, &account.key, did, state.now())
        .map_err(|_| forbidden("not-delegated"))?;
    let verified =
        Roster::verify(roster, &account.key, did).map_err(|_| forbidden("not-delegated"))?;
    if !verified.certificates.iter().any(|listed| listed == cert) {
        return Err(forbidden("not-in-roster"));
    }
    let registration = Registration {
        anchor: false,
        roster: roster.to_owned(),
        roster_seq: seconds(verified.seq),
        device: of_certificate(&certificate),
        devices: verified.devices.iter().map(of_certificate).collect(),
        ..of_account(state, did, &account)
    };
    let status = registered(state, did, registration).await?;
    let answer = RegistrationStatus {
        did: did.clone(),
        device_id: certificate.device_id,
        roster_seq: verified.seq,
        paused: None,
    };
    Ok((status, answer))
}

/// Registers a delegate key alone.
pub(crate) async fn of_key(
    state: &State,
    did: &Did,
    key: &PublicKey,
    asked: Asked<'_>,
) -> Result<(StatusCode, AnchorStatus), ApiError> {
    let account = account(state, did, asked).await?;
    let registration = of_account(state, did, &account);
    let status = registered(state, did, registration).await?;
    let answer = AnchorStatus {
        did: did.clone(),
        key: *key,
        paused: None,
    };
    Ok((status, answer))
}

/// The account as it is declared now, for this relay and, where one is given, with this key.
async fn account(state: &State, did: &Did, asked: Asked<'_>) -> Result<Account, ApiError> {
    let verified = state.senders.verify_now(did).await;
    let account = verified.map_err(|why| match why {
        Unverified::Unreachable => ApiError::new(StatusCode::BAD_GATEWAY, "unresolvable"),
        Unverified::Refused => forbidden("not-delegated"),
    })?;
    if asked.key.is_some_and(|key| account.key != *key) {
        return Err(forbidden("not-delegated"));
    }
    if account.domain != state.domain && !is_about_to_come(state, did, &account, asked.claim) {
        return Err(forbidden("wrong-domain"));
    }
    Ok(account)
}

/// Whether the account's key says that its record is about to name this relay. Whoever moves here is
/// registered, and has key packages here, before anybody looks for them here.
fn is_about_to_come(state: &State, did: &Did, account: &Account, claim: Option<&[u8]>) -> bool {
    let now = state.now();
    let claim = claim.and_then(|object| Claim::verify(object, &account.key).ok());
    claim.is_some_and(|claim| {
        let (since, until) = (now.since(claim.issued_at), claim.issued_at.since(now));
        claim.did == *did && claim.domain == state.domain && since.max(until) <= CLAIM_AHEAD_SECONDS
    })
}

async fn registered(
    state: &State,
    did: &Did,
    registration: Registration,
) -> Result<StatusCode, ApiError> {
    let outcome = state
        .store
        .write(move |sql| accounts::register(sql, &registration))
        .await?;
    let conflict = |code| Err(ApiError::new(StatusCode::CONFLICT, code));
    let (status, removed) = match outcome {
        Registered::Created { removed } => (StatusCode::CREATED, removed),
        Registered::Existed { removed } => (StatusCode::OK, removed),
        Registered::StaleRoster => return conflict("stale-roster"),
        Registered::StaleDeclaration => return conflict("stale-declaration"),
        Registered::OtherRealm => return conflict("wrong-realm"),
    };
    state.watch.looked(did.as_str(), state.clock.now_ms());
    state.detach(&removed);
    Ok(status)
}

/// The registration of an account's delegate key alone, which that of a device builds on.
fn of_account(state: &State, did: &Did, account: &Account) -> Registration {
    let key = kept(&account.key);
    let device = RosterDevice {
        device_id: [0; 16],
        device_key: key.cose.clone(),
        thumbprint: key.thumbprint,
        certificate_expires: i64::MAX,
    };
    Registration {
        did: did.as_str().to_owned(),
        key,
        predecessors: account.predecessors.iter().map(cbor::encode).collect(),
        rev: account.rev.clone(),
        anchor: true,
        due: watch::next_look(state),
        aside_until: state.later(state.limits.grant_lifetime),
        roster: Vec::new(),
        roster_seq: 0,
        devices: vec![device.clone()],
        device,
    }
}

/// A key as the store has it.
pub(crate) fn kept(key: &PublicKey) -> Key {
    Key {
        cose: cbor::encode(key),
        thumbprint: *key.thumbprint().as_bytes(),
    }
}

fn of_certificate(certificate: &DeviceCertificate) -> RosterDevice {
    let key = kept(&certificate.device_key);
    RosterDevice {
        device_id: *certificate.device_id.as_bytes(),
        device_key: key.cose,
        thumbprint: key.thumbprint,
        certificate_expires: seconds(certificate.expires_at.0),
    }
}

fn forbidden(code: &'static str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, code)
}
