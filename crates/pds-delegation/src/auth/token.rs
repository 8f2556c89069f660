//! Service tokens: JWTs that an account's PDS signs with the account's key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sotto_identity::repo::RepoKey;
use sotto_wire::did::Did;
use sotto_wire::pds_api::{Audience, ErrorName};
use sotto_wire::time::Timestamp;

use crate::error::ApiError;

const MAX_TOKEN: usize = 8 * 1024;
const MAX_ID: usize = 128;
/// The longest life of a token, in seconds.
const MAX_LIFETIME: u64 = 300;
/// How far the PDS's clock may be ahead, in seconds.
const MAX_AHEAD: u64 = 30;

/// A token whose signature is still to be verified.
#[derive(Debug)]
pub(super) struct Token {
    /// Who is said to have signed it.
    pub(super) did: Did,
    pub(super) id: String,
    pub(super) expires: Timestamp,
    algorithm: Algorithm,
    audience: String,
    method: Option<String>,
    issued: Timestamp,
    message: String,
    signature: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Algorithm {
    ES256K,
    ES256,
}

#[derive(Deserialize)]
struct Header {
    alg: Algorithm,
    typ: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Did,
    aud: String,
    lxm: Option<String>,
    iat: u64,
    exp: u64,
    jti: String,
}

const MALFORMED: ApiError = ApiError::new(ErrorName::BadJwt, "not a service token");

impl Token {
    /// Reads a token. Types of JWT that mean something else in AT Protocol are refused.
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        if text.len() > MAX_TOKEN {
            return Err(MALFORMED);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(MALFORMED)?;
        let (header, claims) = message.split_once('.').ok_or(MALFORMED)?;
        let header: Header = json(header)?;
        let claims: Claims = json(claims)?;
        let typ = header.typ.as_deref().unwrap_or("JWT");
        if !typ.eq_ignore_ascii_case("jwt") || !(1..=MAX_ID).contains(&claims.jti.len()) {
            return Err(MALFORMED);
        }
        Ok(Self {
            did: claims.iss,
            id: claims.jti,
            expires: Timestamp(claims.exp),
            algorithm: header.alg,
            audience: claims.aud,
            method: claims.lxm,
            issued: Timestamp(claims.iat),
            message: message.to_owned(),
            signature: bytes(signature)?,
        })
    }

    /// Everything but the signature. `since` is when the service began to remember tokens.
    pub(super) fn check(
        &self,
        audience: &Audience,
        method: &str,
        now: Timestamp,
        since: Timestamp,
    ) -> Result<(), ApiError> {
        let refuse = |name, message| Err(ApiError::new(name, message));
        if self.audience != audience.as_str() {
            return refuse(
                ErrorName::BadJwtAudience,
                "the token is for another service",
            );
        }
        if self.method.as_deref() != Some(method) {
            return refuse(
                ErrorName::BadJwtLexiconMethod,
                "the token is for another method",
            );
        }
        if self.expires <= now {
            return refuse(ErrorName::JwtExpired, "the token is past its time");
        }
        let lifetime = self.expires.0.saturating_sub(self.issued.0);
        if lifetime > MAX_LIFETIME || self.issued > now.plus(MAX_AHEAD) {
            return refuse(ErrorName::BadJwt, "the token lives too long");
        }
        if self.issued < since {
            return refuse(ErrorName::JwtExpired, "the token is from before the start");
        }
        Ok(())
    }

    /// Whether the account's key signed it.
    pub(super) fn is_signed_by(&self, key: &RepoKey) -> bool {
        let fits = match key {
            RepoKey::K256(_) => self.algorithm == Algorithm::ES256K,
            RepoKey::P256(_) => self.algorithm == Algorithm::ES256,
        };
        fits && key.verify(self.message.as_bytes(), &self.signature)
    }
}

fn json<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, ApiError> {
    serde_json::from_slice(&bytes(part)?).map_err(|_| MALFORMED)
}

fn bytes(part: &str) -> Result<Vec<u8>, ApiError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| MALFORMED)
}

#[cfg(test)]
#[path = "token/tests.rs"]
mod tests;
