//! Asking an account's server for a proof.

use thiserror::Error;

use super::{MAX_CAR, ProofError, Proved, prove};
use crate::did_document::DidDocument;
use crate::http::HttpError;
use crate::network::{self, Network};

/// Why nothing is proved.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FetchError {
    /// The account's server cannot be asked, or refuses. Worth another try.
    #[error("the account's server cannot be reached")]
    Unreachable,
    /// It leads to an address that may not be asked: not https, or inside a private network.
    #[error("the account's server is at an address that is not allowed")]
    Forbidden,
    /// What it serves does not prove anything.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl Network {
    /// The record `collection`/`rkey` of the document's account, or its absence, proved by the
    /// repository (docs/protocol.md §1.4 step 2). Whether the repository was rolled back is for the
    /// caller to see.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn prove_record(
        &self,
        document: &DidDocument,
        collection: &str,
        rkey: &str,
    ) -> Result<Proved, FetchError> {
        let query = [
            ("did", document.id.as_str()),
            ("collection", collection),
            ("rkey", rkey),
        ];
        let url = network::xrpc_url(&document.pds, "com.atproto.sync.getRecord", &query);
        let answer = self.get(url, MAX_CAR).await.map_err(|error| match error {
            HttpError::OutOfBounds => FetchError::Proof(ProofError::Invalid),
            HttpError::Forbidden => FetchError::Forbidden,
            HttpError::Unreachable | HttpError::Unavailable => FetchError::Unreachable,
        })?;
        // A refusal (no such repository here, taken down) proves nothing about the record.
        if !answer.is_success() {
            return Err(FetchError::Unreachable);
        }
        let key = &document.signing_key;
        Ok(prove(&answer.body, &document.id, key, collection, rkey)?)
    }
}
