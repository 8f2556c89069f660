//! DPoP (RFC 9449): every request proves the possession of a key, so that a stolen token is worth
//! nothing.

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use sotto_wire::random::Random;
use url::Url;
use zeroize::Zeroizing;

use super::secret::{b64u, random_text};
use super::{Context, OAuthError};
use crate::http::{Method, Request, Response};
use crate::network;

const MAX_NONCE: usize = 512;

/// The key of one session, and the nonces that its servers gave last.
pub(super) struct Dpop {
    key: SigningKey,
    nonces: Mutex<HashMap<String, String>>,
}

/// The payload of a proof (RFC 9449 §4.2).
#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    /// SHA-256 of the access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

impl Dpop {
    pub(super) fn generate(random: &dyn Random) -> Self {
        loop {
            let mut seed = Zeroizing::new([0; 32]);
            random.fill(&mut *seed);
            // Fails for one in 2^32 seeds, those that are not below the order of the curve.
            if let Ok(key) = SigningKey::from_slice(&*seed) {
                return Self {
                    key,
                    nonces: Mutex::default(),
                };
            }
        }
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let key = SigningKey::from_slice(&bytes).ok()?;
        Some(Self {
            key,
            nonces: Mutex::default(),
        })
    }

    /// The private key, to be kept.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(b64u(Zeroizing::new(<[u8; 32]>::from(self.key.to_bytes()))))
    }

    /// Sends a request with a proof and, for a resource server, the access token; once more where
    /// the server first wants its nonce in the proof.
    pub(super) async fn send(
        &self,
        context: &Context,
        request: Request,
        access_token: Option<&str>,
    ) -> Result<Response, OAuthError> {
        let answer = self.attempt(context, &request, access_token).await?;
        let nonce = answer
            .header("dpop-nonce")
            .filter(|nonce| nonce.len() <= MAX_NONCE);
        let Some(nonce) = nonce else {
            return Ok(answer);
        };
        self.remember_nonce(&request.url, nonce);
        if wants_nonce(&answer) {
            self.attempt(context, &request, access_token).await
        } else {
            Ok(answer)
        }
    }

    async fn attempt(
        &self,
        context: &Context,
        request: &Request,
        access_token: Option<&str>,
    ) -> Result<Response, OAuthError> {
        let proof = self.proof(context, request, access_token);
        let mut request = request.clone().header("dpop", proof);
        if let Some(token) = access_token {
            request = request.header("authorization", format!("DPoP {token}"));
        }
        Ok(context.network.http().send(request).await?)
    }

    fn proof(&self, context: &Context, request: &Request, access_token: Option<&str>) -> String {
        let point = self.key.verifying_key().to_encoded_point(false);
        let coordinate = |part: Option<&p256::FieldBytes>| part.map(b64u);
        let header = json!({
            "typ": "dpop+jwt",
            "alg": "ES256",
            "jwk": {"kty": "EC", "crv": "P-256", "x": coordinate(point.x()), "y": coordinate(point.y())},
        });
        let mut target = request.url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let claims = json!(Claims {
            jti: random_text(&*context.random),
            htm: method_name(request.method),
            htu: target.as_str(),
            iat: context.clock.now().0,
            nonce: self.nonce(&request.url),
            ath: access_token.map(|token| b64u(Sha256::digest(token))),
        });
        let message = format!("{}.{}", b64u(header.to_string()), b64u(claims.to_string()));
        let signature: Signature = self.key.sign(message.as_bytes());
        format!("{message}.{}", b64u(signature.to_bytes()))
    }

    fn nonce(&self, url: &Url) -> Option<String> {
        let nonces = self
            .nonces
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        nonces.get(&url.origin().ascii_serialization()).cloned()
    }

    fn remember_nonce(&self, url: &Url, nonce: &str) {
        let mut nonces = self
            .nonces
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        nonces.insert(url.origin().ascii_serialization(), nonce.to_owned());
    }
}

fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

/// Authorization servers say it in the body, resource servers in a header (RFC 9449 §8, §9).
pub(super) fn wants_nonce(answer: &Response) -> bool {
    let said = answer.header("www-authenticate").unwrap_or_default();
    matches!(answer.status, 400 | 401)
        && (said.contains("error=\"use_dpop_nonce\"")
            || network::error_name(answer).as_deref() == Some("use_dpop_nonce"))
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Verifier;
    use serde_json::Value;
    use sotto_wire::random::OsRandom;

    use super::*;
    use crate::oauth::tests::context;
    use crate::testing::FakeNet;

    fn decode(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_proof_is_bound_to_the_request() {
        let dpop = Dpop::generate(&OsRandom);
        let context = context(FakeNet::new());
        let url = Url::parse("https://pds.example/xrpc/x?query#fragment").unwrap();
        dpop.remember_nonce(&url, "n1");
        let proof = dpop.proof(&context, &Request::get(url, 1), Some("token"));
        let parts: Vec<&str> = proof.split('.').collect();
        let claims = decode(parts[1]);
        assert_eq!(claims["htu"], "https://pds.example/xrpc/x");
        assert_eq!(claims["htm"], "GET");
        assert_eq!(claims["nonce"], "n1");
        assert_eq!(claims["ath"], b64u(Sha256::digest("token")));
        assert_eq!(decode(parts[0])["typ"], "dpop+jwt");
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        let message = format!("{}.{}", parts[0], parts[1]);
        let signature = Signature::from_slice(&signature).unwrap();
        assert!(
            dpop.key
                .verifying_key()
                .verify(message.as_bytes(), &signature)
                .is_ok()
        );
        assert!(
            decode(parts[0])["jwk"].get("d").is_none(),
            "the private part stays here"
        );
    }

    #[test]
    fn keys_survive_being_kept() {
        let dpop = Dpop::generate(&OsRandom);
        let again = Dpop::from_text(&dpop.to_text()).unwrap();
        assert_eq!(dpop.key.verifying_key(), again.key.verifying_key());
        assert!(Dpop::from_text("").is_none());
        assert!(Dpop::from_text(&b64u([0; 32])).is_none());
    }
}
