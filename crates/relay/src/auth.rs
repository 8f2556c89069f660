//! Request signatures (§4.2) and the owner behind a request.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sotto_wire::cbor;
use sotto_wire::challenge::Realm;
use sotto_wire::http_sig::{self, HttpSigError, ParsedSignature, RequestParts, SignatureHeaders};
use sotto_wire::key::PublicKey;

use crate::body;
use crate::challenge::Rejected;
use crate::error::ApiError;
use crate::reply;
use crate::state::State;
use crate::store::accounts::{self, Owner};

/// Largest COSE_Key that is stored.
const MAX_COSE_KEY: usize = 256;

/// A request with its body, and the signature it carries, whose challenge is checked.
pub(crate) struct Signed {
    parts: Parts,
    /// The body; empty where there is none.
    pub(crate) body: Bytes,
    signature: ParsedSignature,
}

impl Signed {
    /// Reads body and signature.
    pub(crate) async fn read(request: Request, state: &Arc<State>) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let limited = Request::from_parts(parts.clone(), body);
        let body = body::read(limited, state).await.map_err(ApiError::unread)?;
        let signature = signature(&parts.headers).ok_or(ApiError::unauthorized("bad-signature"))?;
        Ok(Self {
            parts,
            body,
            signature,
        })
    }

    /// Text thumbprint of the key that claims to have signed.
    pub(crate) fn keyid(&self) -> String {
        self.signature.keyid.text()
    }

    /// Checks challenge and signature for `realm` and one of `subjects`, under a key the relay knows.
    pub(crate) fn verify(
        &self,
        state: &State,
        realm: Realm,
        subjects: &[&str],
        key: &PublicKey,
    ) -> Result<(), ApiError> {
        fresh(state, realm, subjects, &self.signature)?;
        let parts = RequestParts {
            method: self.parts.method.as_str(),
            authority: state.domain.as_str(),
            path: self.parts.uri.path(),
            query: self.parts.uri.query(),
            body: (!self.body.is_empty()).then_some(&*self.body),
        };
        self.signature
            .verify(&parts, key)
            .map_err(|_| ApiError::unauthorized("bad-signature"))
    }

    /// Decodes the body.
    pub(crate) fn decode<T: Serialize + DeserializeOwned>(&self) -> Result<T, ApiError> {
        cbor::decode(&self.body, self.body.len()).map_err(|_| ApiError::malformed())
    }

    /// The query, where the URL has one.
    pub(crate) fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }
}

/// Whether the challenge that was signed is one of this relay, for this.
fn fresh(
    state: &State,
    realm: Realm,
    subjects: &[&str],
    signature: &ParsedSignature,
) -> Result<(), ApiError> {
    if signature.is_drafted() && realm != Realm::Anchor {
        return Err(ApiError::unauthorized("bad-signature"));
    }
    let check = |realm| {
        let mut outcome = Err(Rejected::Unknown);
        for subject in subjects {
            let nonce = &signature.nonce;
            match state.challenges.check(realm, subject, nonce, state.now().0) {
                Ok(()) => return Ok(()),
                // That says more than unknown, which it is for every other subject.
                Err(Rejected::Expired) => outcome = Err(Rejected::Expired),
                Err(Rejected::Unknown) => {}
            }
        }
        outcome
    };
    let other = match realm {
        Realm::Device => Realm::Anchor,
        _ => Realm::Device,
    };
    check(realm).map_err(|rejected| match rejected {
        Rejected::Unknown if check(other).is_ok() => ApiError::unauthorized("wrong-realm"),
        Rejected::Unknown => ApiError::unauthorized("bad-challenge"),
        Rejected::Expired => ApiError::unauthorized("expired-challenge"),
    })
}

/// What a challenge for requests of this owner may be bound to.
fn subjects<'a>(owner: &'a Owner, keyid: &'a str) -> Vec<&'a str> {
    if owner.anchor {
        vec![keyid, &owner.did]
    } else {
        vec![keyid]
    }
}

/// The registered device that claims to have signed, and its key.
async fn registered(
    state: &State,
    signature: &ParsedSignature,
) -> Result<(Owner, PublicKey), ApiError> {
    let thumbprint = *signature.keyid.as_bytes();
    let owner = state
        .store
        .read(move |sql| accounts::owner(sql, &thumbprint))
        .await?
        .ok_or(ApiError::unauthorized("not-registered"))?;
    let key = cbor::decode(&owner.device_key, MAX_COSE_KEY)
        .map_err(|_| ApiError::unauthorized("not-registered"))?;
    Ok((owner, key))
}

/// As [`Owned`], of a request whose body is still to come and is known by its hash.
pub(crate) struct Announced {
    /// The device.
    pub(crate) owner: Owner,
    /// Text thumbprint of its key.
    pub(crate) keyid: String,
}

impl Announced {
    /// Authenticates a request of an owner that has a body of this SHA-256.
    pub(crate) async fn read(
        parts: &Parts,
        state: &State,
        sha256: &[u8; 32],
    ) -> Result<Self, ApiError> {
        let signature = signature(&parts.headers).ok_or(ApiError::unauthorized("bad-signature"))?;
        let (owner, key) = registered(state, &signature).await?;
        let keyid = signature.keyid.text();
        fresh(state, owner.realm(), &subjects(&owner, &keyid), &signature)?;
        let request = RequestParts {
            method: parts.method.as_str(),
            authority: state.domain.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query(),
            body: None,
        };
        signature
            .verify_before_body(&request, sha256, &key)
            .map_err(|error| match error {
                HttpSigError::Digest => ApiError::wrong_name(),
                _ => ApiError::unauthorized("bad-signature"),
            })?;
        if owner.certificate_expires <= state.now_i64() {
            return Err(ApiError::unauthorized("expired-certificate"));
        }
        Ok(Self { owner, keyid })
    }
}

/// The SHA-256 of the body that a signed request announces.
pub(crate) fn announced(headers: &HeaderMap) -> Result<[u8; 32], ApiError> {
    signature(headers)
        .ok_or(ApiError::unauthorized("bad-signature"))?
        .announced()
        .ok_or(ApiError::malformed())
}

fn signature(headers: &HeaderMap) -> Option<ParsedSignature> {
    // One value each: which of two a proxy would have looked at is nobody's guess.
    let text = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let only = values.next()?.to_str().ok()?.to_owned();
        values.next().is_none().then_some(only)
    };
    let content_digest = text(http_sig::CONTENT_DIGEST);
    if content_digest.is_none() && headers.contains_key(http_sig::CONTENT_DIGEST) {
        return None;
    }
    let headers = SignatureHeaders {
        content_digest,
        signature_input: text(http_sig::SIGNATURE_INPUT)?,
        signature: text(http_sig::SIGNATURE)?,
    };
    // What is not in the profile may still be what the draft asks for.
    http_sig::parse(&headers)
        .or_else(|_| http_sig::parse_drafted(&headers))
        .ok()
}

/// A request signed by a registered device, or by a delegate key that is registered alone.
pub(crate) struct Owned {
    /// The request.
    pub(crate) signed: Signed,
    /// The device.
    pub(crate) owner: Owner,
}

impl Owned {
    /// Authenticates a request in the realm that its key is registered in.
    pub(crate) async fn read(request: Request, state: &Arc<State>) -> Result<Self, ApiError> {
        let signed = Signed::read(request, state).await?;
        let (owner, key) = registered(state, &signed.signature).await?;
        let keyid = signed.keyid();
        signed.verify(state, owner.realm(), &subjects(&owner, &keyid), &key)?;
        if owner.certificate_expires <= state.now_i64() {
            return Err(ApiError::unauthorized("expired-certificate"));
        }
        Ok(Self { signed, owner })
    }

    /// The answer, with the next challenge.
    pub(crate) fn answer(&self, state: &State, result: Result<Response, ApiError>) -> Response {
        let response = result.unwrap_or_else(ApiError::into_response);
        let keyid = self.signed.keyid();
        reply::with_next_challenge(state, self.owner.realm(), &keyid, response)
    }
}

impl FromRequest<Arc<State>> for Owned {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, ApiError> {
        Self::read(request, state).await
    }
}
