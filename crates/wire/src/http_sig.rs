//! Request signatures (docs/protocol.md §4.2): one fixed profile of RFC 9421 with Ed25519.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use crate::{
    challenge,
    key::{PublicKey, SigningKey, Thumbprint},
    time::Timestamp,
};

mod drafted;
mod parse;

/// The label of Sotto's signature among those of a request.
pub const LABEL: &str = "pmr";
/// Header of [`SignatureHeaders::content_digest`], in lower case.
pub const CONTENT_DIGEST: &str = "content-digest";
/// Header of [`SignatureHeaders::signature_input`], in lower case.
pub const SIGNATURE_INPUT: &str = "signature-input";
/// Header of [`SignatureHeaders::signature`], in lower case.
pub const SIGNATURE: &str = "signature";

/// The parts of a request that its signature covers.
#[derive(Debug, Clone, Copy)]
pub struct RequestParts<'a> {
    /// Upper case, such as `POST`.
    pub method: &'a str,
    /// The relay's discovery domain.
    pub authority: &'a str,
    /// The path as it stands in the request line, still percent-encoded.
    pub path: &'a str,
    /// The query without its question mark, where the URL has one.
    pub query: Option<&'a str>,
    /// The body. Empty bytes count as no body.
    pub body: Option<&'a [u8]>,
}

/// The header values of a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// `Content-Digest`, exactly where there is a body.
    pub content_digest: Option<String>,
    /// `Signature-Input`.
    pub signature_input: String,
    /// `Signature`.
    pub signature: String,
}

/// Why a request was not signed, or its signature refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpSigError {
    /// The headers are not those of the profile of §4.2.
    #[error("signature headers are malformed")]
    Malformed,
    /// The challenge is not text that fits into a signature's parameters.
    #[error("challenge is unusable")]
    Challenge,
    /// The signature covers other components than this request has.
    #[error("signature covers other components")]
    Components,
    /// `Content-Digest` is not the digest of the body.
    #[error("content digest is not that of the body")]
    Digest,
    /// `keyid` does not name the key to verify with.
    #[error("signature is by another key")]
    OtherKey,
    /// The signature does not verify.
    #[error("signature does not verify")]
    Signature,
}

/// The parameters of a signature that was read and not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedSignature {
    /// The challenge; whether it is fresh, and for this key, is the relay's to check.
    pub nonce: String,
    /// When the signer says it signed. A hint: freshness comes from the challenge.
    pub created: Timestamp,
    /// The key it claims to be by.
    pub keyid: Thumbprint,
    covers_query: bool,
    content_digest: Option<String>,
    signature: [u8; 64],
    /// Absent where the signature is in the profile of §4.2.
    form: Option<drafted::Form>,
}

/// Signs a request under a challenge of the relay.
///
/// # Errors
/// [`HttpSigError::Challenge`] where the challenge cannot be written into the parameters.
pub fn sign(
    parts: &RequestParts<'_>,
    challenge: &str,
    created: Timestamp,
    key: &SigningKey,
) -> Result<SignatureHeaders, HttpSigError> {
    if !challenge::is_usable(challenge) {
        return Err(HttpSigError::Challenge);
    }
    let content_digest = parts.digest();
    let covered = covered(parts.query.is_some(), content_digest.is_some());
    let params = params(covered, challenge, created, &key.public().thumbprint());
    let base = base(parts, content_digest.as_deref(), covered, &params);
    let signature = STANDARD.encode(key.sign(base.as_bytes()));
    Ok(SignatureHeaders {
        content_digest,
        signature_input: format!("{LABEL}={params}"),
        signature: format!("{LABEL}=:{signature}:"),
    })
}

/// Reads the headers of a signed request. Further signatures under other labels are not looked at.
///
/// # Errors
/// [`HttpSigError::Malformed`].
pub fn parse(headers: &SignatureHeaders) -> Result<ParsedSignature, HttpSigError> {
    parse::headers(headers).ok_or(HttpSigError::Malformed)
}

/// Reads the headers of a request that is signed as the PMR draft asks for, not necessarily in the
/// profile of §4.2: any order, no `created` (read as 0), no `@query`. For requests of the realm
/// `anchor` only.
///
/// # Errors
/// [`HttpSigError::Malformed`].
pub fn parse_drafted(headers: &SignatureHeaders) -> Result<ParsedSignature, HttpSigError> {
    drafted::headers(headers).ok_or(HttpSigError::Malformed)
}

impl ParsedSignature {
    /// Whether it is not in the profile of §4.2.
    #[must_use]
    pub fn is_drafted(&self) -> bool {
        self.form.is_some()
    }

    /// Verifies that `key` signed this request.
    ///
    /// # Errors
    /// [`HttpSigError`], by the first check that failed.
    pub fn verify(&self, parts: &RequestParts<'_>, key: &PublicKey) -> Result<(), HttpSigError> {
        self.verify_with(parts, parts.digest(), key)
    }

    /// Verifies that `key` signed this request with a body of that SHA-256, before the body is there
    /// (§4.8). Whether the body that comes then has it is the caller's to check.
    ///
    /// # Errors
    /// [`HttpSigError`], by the first check that failed.
    pub fn verify_before_body(
        &self,
        parts: &RequestParts<'_>,
        body: &[u8; 32],
        key: &PublicKey,
    ) -> Result<(), HttpSigError> {
        self.verify_with(parts, Some(digest_value(body)), key)
    }

    /// The SHA-256 of the body that the request announces, if it announces one.
    #[must_use]
    pub fn announced(&self) -> Option<[u8; 32]> {
        let digest = self.content_digest.as_deref()?;
        let base64 = digest.strip_prefix("sha-256=:")?.strip_suffix(':')?;
        STANDARD.decode(base64).ok()?.try_into().ok()
    }

    fn verify_with(
        &self,
        parts: &RequestParts<'_>,
        digest: Option<String>,
        key: &PublicKey,
    ) -> Result<(), HttpSigError> {
        if self.keyid != key.thumbprint() {
            return Err(HttpSigError::OtherKey);
        }
        let query_alike = match self.form {
            None => self.covers_query == parts.query.is_some(),
            Some(_) => !self.covers_query || parts.query.is_some(),
        };
        if !query_alike || self.content_digest.is_some() != digest.is_some() {
            return Err(HttpSigError::Components);
        }
        if self.content_digest != digest {
            return Err(HttpSigError::Digest);
        }
        let covered = covered(self.covers_query, digest.is_some());
        let base = match &self.form {
            None => {
                let params = params(covered, &self.nonce, self.created, &self.keyid);
                base(parts, digest.as_deref(), covered, &params)
            }
            Some(form) => base(parts, digest.as_deref(), &form.components, &form.params),
        };
        key.verify(base.as_bytes(), &self.signature)
            .map_err(|_| HttpSigError::Signature)
    }
}

impl RequestParts<'_> {
    /// The value of `Content-Digest` (RFC 9530), where there is a body.
    fn digest(&self) -> Option<String> {
        let body = self.body.filter(|body| !body.is_empty())?;
        Some(digest_value(&Sha256::digest(body).into()))
    }
}

fn digest_value(sha256: &[u8; 32]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(sha256))
}

/// The names of the covered components in their order.
fn covered(query: bool, digest: bool) -> &'static [&'static str] {
    match (query, digest) {
        (false, false) => &["@method", "@authority", "@path"],
        (true, false) => &["@method", "@authority", "@path", "@query"],
        (false, true) => &["@method", "@authority", "@path", "content-digest"],
        (true, true) => &["@method", "@authority", "@path", "@query", "content-digest"],
    }
}

/// The signature parameters (RFC 9421 §2.3) in the profile's order.
fn params(covered: &[&str], challenge: &str, created: Timestamp, keyid: &Thumbprint) -> String {
    let covered: Vec<_> = covered.iter().map(|name| format!("\"{name}\"")).collect();
    let (covered, created) = (covered.join(" "), created.0);
    format!("({covered});nonce=\"{challenge}\";created={created};keyid=\"{keyid}\";alg=\"ed25519\"")
}

/// The signature base (RFC 9421 §2.5).
fn base(parts: &RequestParts<'_>, digest: Option<&str>, covered: &[&str], params: &str) -> String {
    let mut base = String::new();
    for name in covered {
        base.push_str(&format!("\"{name}\": "));
        match *name {
            "@method" => base.push_str(parts.method),
            "@authority" => base.push_str(parts.authority),
            "@path" => base.push_str(parts.path),
            "@query" => base.push_str(&format!("?{}", parts.query.unwrap_or_default())),
            _ => base.push_str(digest.unwrap_or_default()),
        }
        base.push('\n');
    }
    base.push_str(&format!("\"@signature-params\": {params}"));
    base
}

#[cfg(test)]
#[path = "http_sig/tests.rs"]
mod tests;
