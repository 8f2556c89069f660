//! One's own delegation record (docs/protocol.md §1.1): reading it, and writing it without
//! overwriting one that someone else has made meanwhile.

use serde_json::{Value, json};
use sotto_wire::delegation::{COLLECTION, DelegationRecord, RKEY};

use super::{OAuthError, Session};
use crate::http::Request;
use crate::network;

const MAX_RECORD: usize = 1024 * 1024;

/// The record as it stands in the account's repository.
#[derive(Clone, Debug)]
pub struct PublishedDelegation {
    /// Names this state of the record; for [`Session::put_delegation`].
    pub cid: String,
    /// The record; nothing where it is not one that this version can read.
    pub record: Option<DelegationRecord>,
}

impl Session {
    /// The account's delegation record as its PDS serves it, or that there is none. Not verified:
    /// it is the account's own server, and what is read is compared with one's own key.
    ///
    /// # Errors
    /// [`OAuthError::Unreachable`], [`OAuthError::Rejected`].
    pub async fn get_delegation(&self) -> Result<Option<PublishedDelegation>, OAuthError> {
        let query = [
            ("repo", self.did().as_str()),
            ("collection", COLLECTION),
            ("rkey", RKEY),
        ];
        let url = network::xrpc_url(&self.live.pds, "com.atproto.repo.getRecord", &query);
        let answer = self.context.network.get(url, MAX_RECORD).await?;
        match (answer.status, network::error_name(&answer).as_deref()) {
            (200, _) => {
                let body = network::json(&answer).ok_or(OAuthError::Rejected)?;
                read_published(&body).ok_or(OAuthError::Rejected).map(Some)
            }
            (400 | 404, Some("RecordNotFound")) => Ok(None),
            (429 | 500.., _) => Err(OAuthError::Unreachable),
            _ => Err(OAuthError::Rejected),
        }
    }

    /// Writes the record in place of the one with the CID `replaces`; with nothing, only where
    /// there is none.
    ///
    /// # Errors
    /// [`OAuthError::RecordChanged`] where another one stands there, `Expired`, `ScopeMissing`,
    /// `Unreachable`, `Rejected`.
    pub async fn put_delegation(
        &self,
        record: &DelegationRecord,
        replaces: Option<&str>,
    ) -> Result<(), OAuthError> {
        // `swapRecord` has to be there and null for "there is none"; left out it means "whatever".
        let body = json!({
            "repo": self.did().as_str(),
            "collection": COLLECTION,
            "rkey": RKEY,
            "record": record.to_json(),
            "swapRecord": replaces,
        });
        self.write("com.atproto.repo.putRecord", &body).await
    }

    /// Deletes the record with the CID `stands`.
    ///
    /// # Errors
    /// As [`Session::put_delegation`].
    pub async fn delete_delegation(&self, stands: &str) -> Result<(), OAuthError> {
        let body = json!({
            "repo": self.did().as_str(),
            "collection": COLLECTION,
            "rkey": RKEY,
            "swapRecord": stands,
        });
        self.write("com.atproto.repo.deleteRecord", &body).await
    }

    async fn write(&self, procedure: &str, body: &Value) -> Result<(), OAuthError> {
        let url = network::xrpc_url(&self.live.pds, procedure, &[]);
        let body = body.to_string().into_bytes();
        let request = Request::post(url, "application/json", body, MAX_RECORD);
        let answer = self.send(request).await?;
        match (answer.status, network::error_name(&answer).as_deref()) {
            (200, _) => Ok(()),
            (_, Some("InvalidSwap")) => Err(OAuthError::RecordChanged),
            (403, _) => Err(OAuthError::ScopeMissing),
            (429 | 500.., _) => Err(OAuthError::Unreachable),
            _ => Err(OAuthError::Rejected),
        }
    }
}

pub(super) fn read_published(body: &Value) -> Option<PublishedDelegation> {
    let cid = body.get("cid")?.as_str()?.to_owned();
    Some(PublishedDelegation {
        cid,
        record: DelegationRecord::from_json(body.get("value")?).ok(),
    })
}
