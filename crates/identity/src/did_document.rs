//! DID documents: what an account says about itself (docs/protocol.md §1.4 step 1).

use serde_json::Value;
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use thiserror::Error;
use url::Url;

use crate::handle::Handle;
use crate::http::HttpError;
use crate::http::address::is_allowed;
use crate::network::{self, Network};
use crate::repo::RepoKey;

const MAX_DOCUMENT: usize = 64 * 1024;
const MAX_ENTRIES: usize = 64;

/// The parts of a DID document that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DidDocument {
    /// The account; equal to the DID that was asked for.
    pub id: Did,
    /// The handle it claims (the first `at://` of `alsoKnownAs`). Believed only when the handle
    /// leads back to this account.
    pub handle: Option<Handle>,
    /// Its PDS, the `#atproto_pds` service.
    pub pds: Url,
    /// The key of its repository, `#atproto`.
    pub signing_key: RepoKey,
    /// The delegate key in it, `#e2ee`.
    pub e2ee: Anchor,
}

/// The entry `#e2ee` of a DID document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// There is none.
    Absent,
    /// This key.
    Key(PublicKey),
    /// There is an entry, but no Ed25519 key can be read out of it. It equals no key, so whoever
    /// verifies has to refuse: an entry that is not understood must not count as none.
    Unusable,
}

/// Why there is no document.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DocumentError {
    /// The did:plc directory cannot be asked. Worth another try.
    #[error("the PLC directory cannot be reached")]
    PlcUnreachable,
    /// The host of a did:web account cannot be asked. Worth another try.
    #[error("the host of the DID cannot be reached")]
    HostUnreachable,
    /// The document is, or is redirected to, at an address that may not be asked: not https, or
    /// inside a private network.
    #[error("the document of the DID is at an address that is not allowed")]
    Forbidden,
    /// There is no such DID, or the document is not usable.
    #[error("the DID has no usable document")]
    Unresolvable,
}

impl DocumentError {
    /// The code for the UI.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PlcUnreachable => "plc.unreachable",
            Self::HostUnreachable => "did.unreachable",
            Self::Forbidden => "did.forbidden",
            Self::Unresolvable => "did.unresolvable",
        }
    }
}

impl Network {
    /// Fetches and checks the document of `did`, as whoever serves it says: to find an account's
    /// server or handle. Verification ([`Network::verify_account`]) holds it against the log.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub async fn did_document(&self, did: &Did) -> Result<DidDocument, DocumentError> {
        let served = self.served_document(did).await?;
        DidDocument::from_json(&served, did, self.endpoints.development)
            .ok_or(DocumentError::Unresolvable)
    }

    /// The document as it is served.
    pub(crate) async fn served_document(&self, did: &Did) -> Result<Value, DocumentError> {
        let (url, unreachable) = match did.as_str().strip_prefix("did:web:") {
            Some(host) => (
                web_document_url(host, self.endpoints.development)?,
                DocumentError::HostUnreachable,
            ),
            None => (
                network::with_path(&self.endpoints.plc, &[did.as_str()]),
                DocumentError::PlcUnreachable,
            ),
        };
        let answer = self
            .get(url, MAX_DOCUMENT)
            .await
            .map_err(|error| match error {
                HttpError::OutOfBounds => DocumentError::Unresolvable,
                HttpError::Forbidden => DocumentError::Forbidden,
                HttpError::Unreachable | HttpError::Unavailable => unreachable,
            })?;
        if matches!(answer.status, 429 | 500..) {
            return Err(unreachable);
        }
        if !answer.is_success() {
            return Err(DocumentError::Unresolvable);
        }
        network::json(&answer).ok_or(DocumentError::Unresolvable)
    }
}

pub(crate) fn web_document_url(host: &str, development: bool) -> Result<Url, DocumentError> {
    let host = host.replace("%3A", ":");
    let scheme = if development && is_local(&host) {
        "http"
    } else {
        "https"
    };
    Url::parse(&format!("{scheme}://{host}/.well-known/did.json"))
        .map_err(|_| DocumentError::Unresolvable)
}

fn is_local(host: &str) -> bool {
    let name = host.split(':').next();
    matches!(name, Some("localhost" | "127.0.0.1"))
}

impl DidDocument {
    /// Reads a document that must be about `did`; nothing where a part is missing, malformed or
    /// ambiguous. With `development` the PDS may be on loopback.
    #[must_use]
    pub fn from_json(document: &Value, did: &Did, development: bool) -> Option<Self> {
        if document.get("id")?.as_str()? != did.as_str() {
            return None;
        }
        let methods = entries(document, "verificationMethod")?;
        let signing_key = match by_id(&methods, did, "#atproto") {
            Found::One(entry) => RepoKey::from_multibase(multikey(entry)?).ok()?,
            Found::None | Found::Several => return None,
        };
        Some(Self {
            id: did.clone(),
            handle: claimed_handle(document),
            pds: pds(document, did, development)?,
            signing_key,
            e2ee: anchor(&by_id(&methods, did, "#e2ee")),
        })
    }
}

fn claimed_handle(document: &Value) -> Option<Handle> {
    let names = entries(document, "alsoKnownAs")?;
    let handle = names
        .iter()
        .find_map(|name| name.as_str()?.strip_prefix("at://"))?;
    Handle::parse(handle).ok()
}

fn pds(document: &Value, did: &Did, development: bool) -> Option<Url> {
    let services = entries(document, "service")?;
    let Found::One(service) = by_id(&services, did, "#atproto_pds") else {
        return None;
    };
    if service.get("type")?.as_str()? != "AtprotoPersonalDataServer" {
        return None;
    }
    let url = Url::parse(service.get("serviceEndpoint")?.as_str()?).ok()?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    (plain && is_allowed(&url, development)).then_some(url)
}

fn anchor(found: &Found<'_>) -> Anchor {
    let entry = match found {
        Found::None => return Anchor::Absent,
        Found::Several => return Anchor::Unusable,
        Found::One(entry) => entry,
    };
    multikey(entry)
        .and_then(|key| PublicKey::from_did_key(&format!("did:key:{key}")).ok())
        .map_or(Anchor::Unusable, Anchor::Key)
}

fn multikey(method: &Value) -> Option<&str> {
    (method.get("type")?.as_str()? == "Multikey").then_some(())?;
    method.get("publicKeyMultibase")?.as_str()
}

/// The array `name`; empty where it is not there, nothing where it is not a (short) array.
fn entries<'a>(document: &'a Value, name: &str) -> Option<Vec<&'a Value>> {
    let Some(value) = document.get(name) else {
        return Some(Vec::new());
    };
    let list = value.as_array()?;
    (list.len() <= MAX_ENTRIES).then(|| list.iter().collect())
}

enum Found<'a> {
    None,
    One(&'a Value),
    Several,
}

/// The entry with this fragment as its id, with or without the DID before it. Entries have no
/// stable order, so the first one means nothing.
fn by_id<'a>(entries: &[&'a Value], did: &Did, fragment: &str) -> Found<'a> {
    let mut found = entries.iter().filter(|entry| {
        let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
        id.strip_prefix(did.as_str()).unwrap_or(id) == fragment
    });
    match (found.next(), found.next()) {
        (None, _) => Found::None,
        (Some(entry), None) => Found::One(entry),
        (Some(_), Some(_)) => Found::Several,
    }
}

#[cfg(test)]
mod tests;
