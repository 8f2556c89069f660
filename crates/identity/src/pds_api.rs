//! The PDS API of delegations (docs/protocol.md §1.9): used where the account's PDS offers it, so
//! that record and DID document change next to one another. Elsewhere only the record is written.

use serde::Serialize;
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::did::Did;
use sotto_wire::pds_api::{
    self as api, Audience, CreateInput, DeleteInput, ErrorName, GetOutput, UpdateInput,
};
use url::Url;
use zeroize::Zeroizing;

use crate::http::{HttpError, Request, Response};
use crate::network::{self, Network};
use crate::oauth::{OAuthError, Session};

const MAX_ANSWER: usize = 64 * 1024;

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// The PDS has changed the record and the DID document.
    RecordAndDocument,
    /// The record only: the PDS does not offer more, or not for this account. The document is the
    /// caller's to change, where it names a key.
    RecordOnly,
}

/// Whether the PDS offers the API, and whom its tokens are for. Nothing where it does not.
///
/// # Errors
/// [`HttpError::Unreachable`] where that is not known now.
pub(crate) async fn offered(
    network: &Network,
    pds: &Url,
    did: &Did,
) -> Result<Option<Audience>, HttpError> {
    Ok(get(network, pds, did).await?.map(|got| got.audience))
}

/// What the API says about an account, where the PDS offers it.
async fn get(network: &Network, pds: &Url, did: &Did) -> Result<Option<GetOutput>, HttpError> {
    let url = network::xrpc_url(pds, api::GET, &[("did", did.as_str())]);
    let answer = match network.get(url, api::MAX_OUTPUT).await {
        Err(HttpError::OutOfBounds) => return Ok(None),
        answer => answer?,
    };
    match answer.status {
        200 => {
            let got: Option<GetOutput> = serde_json::from_slice(&answer.body).ok();
            Ok(got.filter(|got| got.did == *did))
        }
        501 => Ok(None),
        429 | 500.. => Err(HttpError::Unreachable),
        _ => Ok(None),
    }
}

/// How a call of the API went.
enum Called {
    Done,
    /// The PDS does not offer it, or not for this account or session.
    NotHere,
}

impl Session {
    /// Writes the record in place of the one with the CID `replaces`; with nothing, only where
    /// there is none. By the PDS's API where that is possible, which also puts the key into the DID
    /// document; `unendorsed` has it accept a key to which no succession leads.
    ///
    /// # Errors
    /// [`OAuthError::RecordChanged`] where another record stands there, or another key in the
    /// document to which `record` has no succession; `DocumentFailed`, `HalfDone`, `Expired`,
    /// `ScopeMissing`, `Unreachable`, `Rejected`.
    pub async fn publish_delegation(
        &self,
        record: &DelegationRecord,
        replaces: Option<&str>,
        unendorsed: bool,
    ) -> Result<Published, OAuthError> {
        let written = self
            .publish_with_document(record, replaces, unendorsed)
            .await?;
        if written {
            return Ok(Published::RecordAndDocument);
        }
        self.put_delegation(record, replaces).await?;
        Ok(Published::RecordOnly)
    }

    /// The same, only by the PDS's API: whether that is possible for this account. Otherwise
    /// nothing was changed.
    ///
    /// # Errors
    /// As [`Session::publish_delegation`].
    pub async fn publish_with_document(
        &self,
        record: &DelegationRecord,
        replaces: Option<&str>,
        unendorsed: bool,
    ) -> Result<bool, OAuthError> {
        let json = record.to_json();
        let called = match replaces {
            None => {
                let input = CreateInput {
                    record: json,
                    unendorsed,
                };
                self.call(api::CREATE, &input).await?
            }
            Some(cid) => {
                let input = UpdateInput {
                    record: json,
                    swap_record: cid.to_owned(),
                    unendorsed,
                };
                self.call(api::UPDATE, &input).await?
            }
        };
        Ok(matches!(called, Called::Done))
    }

    /// Whether the PDS offers the API and this session may use it. It may still refuse a change of
    /// a document that it does not manage.
    ///
    /// # Errors
    /// [`OAuthError::Unreachable`], `Expired`, `Rejected`.
    pub async fn changes_document(&self) -> Result<bool, OAuthError> {
        let Some(audience) = offered(self.network(), self.pds(), self.did()).await? else {
            return Ok(false);
        };
        Ok(self.service_token(&audience, api::UPDATE).await?.is_some())
    }

    /// Deletes the record with the CID `cid`, by the PDS's API where that is possible, which also
    /// takes the key out of the DID document.
    ///
    /// # Errors
    /// As [`Session::publish_delegation`].
    pub async fn withdraw_delegation(&self, cid: &str) -> Result<Published, OAuthError> {
        let input = DeleteInput {
            swap_record: cid.to_owned(),
        };
        match self.call(api::DELETE, &input).await? {
            Called::Done => Ok(Published::RecordAndDocument),
            Called::NotHere => {
                self.delete_delegation(cid).await?;
                Ok(Published::RecordOnly)
            }
        }
    }

    async fn call(&self, method: &str, input: &impl Serialize) -> Result<Called, OAuthError> {
        let Some(audience) = offered(self.network(), self.pds(), self.did()).await? else {
            return Ok(Called::NotHere);
        };
        let body = serde_json::to_vec(input).map_err(|_| OAuthError::Rejected)?;
        let Some(answer) = self.attempt(&audience, method, &body).await? else {
            return Ok(Called::NotHere);
        };
        // A service that was started after the token was made has to refuse it.
        if network::error_name(&answer).as_deref() == Some(ErrorName::JwtExpired.as_str())
            && let Some(again) = self.attempt(&audience, method, &body).await?
        {
            return read(&again);
        }
        read(&answer)
    }

    async fn attempt(
        &self,
        audience: &Audience,
        method: &str,
        body: &[u8],
    ) -> Result<Option<Response>, OAuthError> {
        let Some(token) = self.service_token(audience, method).await? else {
            return Ok(None);
        };
        let url = network::xrpc_url(self.pds(), method, &[]);
        let request = Request::post(url, "application/json", body.to_vec(), MAX_ANSWER)
            .header("authorization", format!("Bearer {}", *token));
        Ok(Some(self.network().http().send(request).await?))
    }

    /// A token for one call; nothing where the session may not have one.
    async fn service_token(
        &self,
        audience: &Audience,
        method: &str,
    ) -> Result<Option<Zeroizing<String>>, OAuthError> {
        let query = [("aud", audience.as_str()), ("lxm", method)];
        let url = network::xrpc_url(self.pds(), "com.atproto.server.getServiceAuth", &query);
        let answer = self.send(Request::get(url, MAX_ANSWER)).await?;
        match answer.status {
            200 => {
                let body = network::json(&answer).ok_or(OAuthError::Rejected)?;
                let token = body.get("token").and_then(serde_json::Value::as_str);
                let token = token.ok_or(OAuthError::Rejected)?;
                Ok(Some(Zeroizing::new(token.to_owned())))
            }
            // Signed in before the PDS offered it, or the user did not allow it.
            403 => Ok(None),
            429 | 500.. => Err(OAuthError::Unreachable),
            _ => Err(OAuthError::Rejected),
        }
    }
}

/// What an answer of a procedure means.
fn read(answer: &Response) -> Result<Called, OAuthError> {
    if answer.is_success() {
        return Ok(Called::Done);
    }
    let name = network::error_name(answer).and_then(|name| ErrorName::parse(&name));
    match (name, answer.status) {
        (Some(ErrorName::NotHosted | ErrorName::DocumentNotManaged), _) => Ok(Called::NotHere),
        (Some(ErrorName::InvalidSwap | ErrorName::Unendorsed), _) => Err(OAuthError::RecordChanged),
        (Some(ErrorName::DocumentFailed), _) => Err(OAuthError::DocumentFailed),
        (Some(ErrorName::HalfDone), _) => Err(OAuthError::HalfDone),
        (_, 429 | 500..) => Err(OAuthError::Unreachable),
        _ => Err(OAuthError::Rejected),
    }
}

#[cfg(test)]
mod tests;
