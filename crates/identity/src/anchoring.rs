//! Putting the delegate key into the account's own DID document, as `#e2ee` (docs/protocol.md
//! §1.7). For `did:plc` the account's PDS signs an operation, with a code that it sends by e-mail;
//! for `did:web` the owner of the host edits the document.
//!
//! The PDS is asked for one change and could sign another: what it gives back is compared with what
//! was asked, field by field, before it goes into the public log, where it cannot be taken back.

use serde_json::{Value, json};
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use sotto_wire::time::Timestamp;

use crate::did_document::{Anchor, DocumentError};
use crate::http::Response;
use crate::network::{self, Network};
use crate::oauth::{IdentityPermission, OAuthError};

#[cfg(feature = "testing")]
pub(crate) mod entries;
mod error;
mod operation;
mod rate;
mod web;

pub use error::AnchoringError;
pub use web::WebAnchor;

use operation::{Identity, Last};

const MAX_LAST: usize = 64 * 1024;
/// A code is 11 characters long; whatever is much longer is not one.
const MAX_CODE: usize = 64;

impl Network {
    /// Whether anything is to be changed so that the DID document of `did` names `key` as `#e2ee`,
    /// or with nothing names no key there; and that it can be changed. Asks the directory only, so
    /// it comes before the user is asked for anything.
    ///
    /// # Errors
    /// [`AnchoringError`]: `NotPlc`, `Document`, `TooManyMethods`, `TooLarge`, `RateLimited`.
    pub async fn is_anchoring_due(
        &self,
        did: &Did,
        key: Option<&PublicKey>,
        now: Timestamp,
    ) -> Result<bool, AnchoringError> {
        let due = self.due_change(did, key, now).await?;
        Ok(due.is_some())
    }

    /// The last operation of the log, and what the next one has to say; nothing where nothing is to
    /// be changed.
    async fn due_change(
        &self,
        did: &Did,
        key: Option<&PublicKey>,
        now: Timestamp,
    ) -> Result<Option<(Last, Identity)>, AnchoringError> {
        let last = self.last_operation(did).await?;
        let wanted = last.identity.with_anchor(key);
        if wanted == last.identity {
            return Ok(None);
        }
        wanted.check_limits()?;
        if self.is_rate_limited(did, now).await {
            return Err(AnchoringError::RateLimited);
        }
        Ok(Some((last, wanted)))
    }

    async fn last_operation(&self, did: &Did) -> Result<Last, AnchoringError> {
        let answer = self.ask_for_last(did).await?;
        Last::read(&answer).ok_or(AnchoringError::Document(DocumentError::Unresolvable))
    }

    async fn ask_for_last(&self, did: &Did) -> Result<Value, AnchoringError> {
        if !did.as_str().starts_with("did:plc:") {
            return Err(AnchoringError::NotPlc);
        }
        let url = network::with_path(&self.endpoints.plc, &[did.as_str(), "log", "last"]);
        let answer = self
            .get(url, MAX_LAST)
            .await
            .map_err(|_| AnchoringError::Document(DocumentError::PlcUnreachable))?;
        match answer.status {
            200 => {
                network::json(&answer).ok_or(AnchoringError::Document(DocumentError::Unresolvable))
            }
            429 | 500.. => Err(AnchoringError::Document(DocumentError::PlcUnreachable)),
            _ => Err(AnchoringError::Document(DocumentError::Unresolvable)),
        }
    }
}

impl IdentityPermission {
    /// Has the PDS send a code to the account's e-mail address, for [`IdentityPermission::anchor`].
    ///
    /// # Errors
    /// [`AnchoringError`]: `RateLimited`, `ScopeMissing`, `PermissionEnded`, `OAuth`.
    pub async fn request_code(&self) -> Result<(), AnchoringError> {
        let method = "com.atproto.identity.requestPlcOperationSignature";
        succeeded(self.call(method, None).await?).map(drop)
    }

    /// Makes `key` the `#e2ee` of the account's DID document, in place of what stood there; with
    /// nothing, removes it. Everything else of the identity stays as it is, and nothing else comes
    /// to it. Where that is so already, nothing is done and the code is not used.
    ///
    /// # Errors
    /// [`AnchoringError`]. After `Document`, `OAuth(Unreachable)` and `NotWritten` it may have been
    /// done all the same; the same call again finds out.
    pub async fn anchor(&self, key: Option<&PublicKey>, code: &str) -> Result<(), AnchoringError> {
        let due = self.network.due_change(self.did(), key, self.now());
        if let Some((last, wanted)) = due.await? {
            let signed = self.sign(&last, &wanted, code).await?;
            self.submit(&signed).await?;
        }
        self.check_document(key).await
    }

    /// An operation that says `wanted` and nothing else, after `last`, signed by the PDS.
    async fn sign(
        &self,
        last: &Last,
        wanted: &Identity,
        code: &str,
    ) -> Result<Value, AnchoringError> {
        let code = code.trim();
        if code.is_empty() || code.len() > MAX_CODE {
            return Err(AnchoringError::WrongCode);
        }
        // The PDS replaces whole maps, so that all of them have to be there.
        let mut input = wanted.to_json();
        if let Some(fields) = input.as_object_mut() {
            fields.insert("token".to_owned(), code.into());
        }
        let method = "com.atproto.identity.signPlcOperation";
        let answer = succeeded(self.call(method, Some(&input)).await?)?;
        let body = network::json(&answer).ok_or(OAuthError::Rejected)?;
        let signed = body.get("operation").ok_or(OAuthError::Rejected)?;
        let (identity, prev) = operation::read_signed(signed).ok_or(AnchoringError::SignedOther)?;
        if identity != *wanted {
            return Err(AnchoringError::SignedOther);
        }
        if prev != last.cid {
            return Err(self.explain_other_place(&prev).await);
        }
        Ok(signed.clone())
    }

    /// Why an operation is not to follow the one that was merged with: someone has added one
    /// meanwhile, or the PDS makes something up.
    async fn explain_other_place(&self, prev: &str) -> AnchoringError {
        match self.network.last_operation(self.did()).await {
            Ok(last) if last.cid == prev => AnchoringError::Changed,
            Ok(_) => AnchoringError::SignedOther,
            Err(error) => error,
        }
    }

    async fn submit(&self, signed: &Value) -> Result<(), AnchoringError> {
        let method = "com.atproto.identity.submitPlcOperation";
        let input = json!({ "operation": signed });
        let outcome = match self.call(method, Some(&input)).await {
            Ok(answer) => succeeded(answer).map(drop),
            Err(error) => Err(error.into()),
        };
        let undecided = matches!(outcome, Err(AnchoringError::OAuth(OAuthError::Unreachable)));
        if let Err(error) = outcome
            && !undecided
        {
            return Err(error);
        }
        // Whatever the PDS says, the directory decides.
        let written = self.network.ask_for_last(self.did()).await?;
        match (operation::same(&written, signed), outcome) {
            (true, _) => Ok(()),
            (false, Err(error)) => Err(error),
            (false, Ok(())) => Err(AnchoringError::NotWritten),
        }
    }

    /// What others will read.
    async fn check_document(&self, key: Option<&PublicKey>) -> Result<(), AnchoringError> {
        let document = self.network.did_document(self.did()).await?;
        let wanted = key.map_or(Anchor::Absent, |key| Anchor::Key(*key));
        if document.e2ee == wanted {
            Ok(())
        } else {
            Err(AnchoringError::NotWritten)
        }
    }
}

fn succeeded(answer: Response) -> Result<Response, AnchoringError> {
    match (answer.status, network::error_name(&answer).as_deref()) {
        (200, _) => Ok(answer),
        (400, Some("InvalidToken")) => Err(AnchoringError::WrongCode),
        (400, Some("ExpiredToken")) => Err(AnchoringError::ExpiredCode),
        (403, _) => Err(AnchoringError::ScopeMissing),
        (429, _) => Err(AnchoringError::RateLimited),
        (500.., _) => Err(OAuthError::Unreachable.into()),
        _ => Err(OAuthError::Rejected.into()),
    }
}

#[cfg(test)]
mod tests;
