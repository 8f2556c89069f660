//! Putting into a DID mailbox (§4.5). The sender is verified before the answer for every recipient,
//! known or not, and a put that is dropped is answered like one that is kept: 202. Only a sender
//! whose own reservation is full is told so, 429, which is a fact about itself.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::Response;
use sha2::{Digest as _, Sha256};
use sotto_wire::did::Did;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::key::PublicKey;
use sotto_wire::pair_put::UnverifiedPairPut;
use sotto_wire::random;
use sotto_wire::relay_api::{self, MailboxKey};
use sotto_wire::sign1::Sign1Error;
use tokio::time::Instant;

use crate::body;
use crate::error::ApiError;
use crate::metrics;
use crate::reply;
use crate::routes::client;
use crate::state::State;
use crate::store::blocks::Chance;
use crate::store::inbox::{self, Limits, Outcome, Put, VerifiedPut};

/// Answers leave on steps of this length: keeping a message, dropping it, and making something up do not
/// take the same time, and nobody is to measure which of them it was (PMR, "Blocked senders", 4).
const STEP: Duration = Duration::from_millis(50);
/// When a sender whose reservation is full may try again: the recipient has to come by first.
const RETRY_FULL: u64 = 300;
/// When a put that the database could not take may be tried again.
const RETRY_STORE: u64 = 5;

/// Verifies and stores a put, and answers.
pub(super) async fn put(state: &Arc<State>, recipient: Did, request: Request) -> Response {
    let client = client::address(state, &request);
    if let Err(seconds) = state
        .rates
        .first_contacts
        .take(client, state.clock.now_ms())
    {
        return later(StatusCode::TOO_MANY_REQUESTS, seconds);
    }
    let bytes = match body::read(request, state).await {
        Ok(bytes) if bytes.len() > state.max_message() => {
            return reply::empty(StatusCode::PAYLOAD_TOO_LARGE);
        }
        Ok(bytes) => bytes,
        Err(status) => return reply::empty(status),
    };
    let Ok(envelope) = Unverified::parse(&bytes) else {
        return reply::empty(StatusCode::BAD_REQUEST);
    };
    let begun = Instant::now();
    // Noted for every recipient, registered here or not.
    state.watch.used(recipient.as_str(), state.clock.now_ms());
    let put = Put {
        chance: chance(state),
        verified: verified(state, &recipient, envelope).await,
        recipient: recipient.as_str().to_owned(),
        envelope: bytes.to_vec(),
    };
    let answer = stored(state, put).await;
    next_step(begun).await;
    answer
}

/// Waits for the end of the step that began so long ago.
async fn next_step(begun: Instant) {
    let passed = begun.elapsed().as_nanos() / STEP.as_nanos();
    let steps = u32::try_from(passed).unwrap_or(u32::MAX).saturating_add(1);
    tokio::time::sleep_until(begun + STEP.saturating_mul(steps)).await;
}

async fn stored(state: &State, put: Put) -> Response {
    let now = state.now_i64();
    let limits = Limits {
        reservation: state.limits.reservation,
        pool_depth: state.limits.pool_depth,
        pool_bytes: state.limits.pool_max_bytes,
        message_expires: state.later(state.limits.message_expiry),
        nonce_expires: state.later(state.limits.dedup_expiry),
    };
    let outcome = state
        .store
        .write(move |sql| inbox::put(sql, &put, limits, now))
        .await;
    metrics::did_put(match &outcome {
        Ok(Outcome::Queued(_)) => "queued",
        Ok(Outcome::Pooled(_)) => "pooled",
        Ok(Outcome::Dropped) => "dropped",
        Ok(Outcome::Full) => "full",
        Err(_) => "unavailable",
    });
    match outcome {
        Ok(Outcome::Queued(devices)) => state.wake(&devices),
        Ok(Outcome::Pooled(devices)) => state.wake_for_pool(&devices),
        Ok(Outcome::Dropped) => {}
        Ok(Outcome::Full) => return later(StatusCode::TOO_MANY_REQUESTS, RETRY_FULL),
        Err(error) => {
            let _ = ApiError::from(error);
            return later(StatusCode::SERVICE_UNAVAILABLE, RETRY_STORE);
        }
    }
    reply::empty(StatusCode::ACCEPTED)
}

/// Drawn for every put, though only those of blocked senders leave something to chance.
fn chance(state: &State) -> Chance {
    let [a, b]: [[u8; 4]; 2] = [(); 2].map(|()| random::array(state.random.as_ref()));
    [u32::from_be_bytes(a), u32::from_be_bytes(b)]
}

/// A put of either realm, before anything of it is verified.
enum Unverified {
    /// Signed by a device that shows its certificate.
    Device(UnverifiedEnvelope),
    /// Signed by the sender's delegate key.
    Anchor(UnverifiedPairPut),
}

impl Unverified {
    /// The type that was signed says which it is.
    fn parse(bytes: &[u8]) -> Result<Self, Sign1Error> {
        match UnverifiedEnvelope::parse(bytes) {
            Err(Sign1Error::Type) => UnverifiedPairPut::parse(bytes).map(Self::Anchor),
            read => read.map(Self::Device),
        }
    }
}

/// What a put that verifies says.
struct Said {
    from: Did,
    to: Did,
    nonce: [u8; 16],
    key: PublicKey,
    message_id: String,
}

/// The checks of §4.5, as a relay makes them; what fails is dropped without a word.
async fn verified(state: &State, recipient: &Did, put: Unverified) -> Option<VerifiedPut> {
    let said = match put {
        Unverified::Device(envelope) => by_device(state, recipient, envelope).await,
        Unverified::Anchor(put) => by_delegate_key(state, recipient, put).await,
    }?;
    (said.to == *recipient).then(|| VerifiedPut {
        nonce: nonce_digest(recipient, &said.from, &said.nonce),
        sender: said.from.into(),
        sender_key: *said.key.thumbprint().as_bytes(),
        message_id: said.message_id,
    })
}

async fn by_device(state: &State, recipient: &Did, envelope: UnverifiedEnvelope) -> Option<Said> {
    let verified = state
        .senders
        .verify_device(envelope.from(), envelope.cert());
    let (account, device) = verified.await.ok()?;
    let key = MailboxKey::Did(recipient.clone());
    let message_id = relay_api::message_id(&key, envelope.payload_bytes());
    let envelope = envelope.verify(&device).ok()?;
    Some(Said {
        from: envelope.from,
        to: envelope.to,
        nonce: envelope.nonce,
        key: account.key,
        message_id,
    })
}

async fn by_delegate_key(state: &State, recipient: &Did, put: UnverifiedPairPut) -> Option<Said> {
    let key = MailboxKey::Did(recipient.clone());
    let message_id = relay_api::message_id(&key, put.payload_bytes());
    let (account, put) = state
        .senders
        .verify_by(put.from(), |account| put.clone().verify(&account.key).ok())
        .await
        .ok()?;
    Some(Said {
        from: put.from,
        to: put.to,
        nonce: put.nonce,
        key: account.key,
        message_id,
    })
}

/// A digest, because the row outlives the message: it must not say who wrote to whom. The nonce is
/// random, so the DIDs cannot be found by trying.
fn nonce_digest(recipient: &Did, sender: &Did, nonce: &[u8; 16]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [recipient.as_str(), "\0", sender.as_str(), "\0"] {
        hash.update(part);
    }
    hash.update(nonce);
    hash.finalize().into()
}

fn later(status: StatusCode, seconds: u64) -> Response {
    let mut response = reply::empty(status);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, seconds.into());
    response
}
