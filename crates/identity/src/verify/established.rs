//! Step 1: the document of a DID, as far as it can be held against anything.

use serde_json::Value;
use sotto_wire::did::Did;
use sotto_wire::time::Timestamp;

use super::VerifyError;
use crate::did_document::{DidDocument, DocumentError};
use crate::network::Network;
use crate::plc::{KnownLog, LogError, VerifiedLog};

/// The document to verify an account by.
pub(super) struct Established {
    /// For did:plc made of the log; for did:web as its host serves it.
    pub(super) document: DidDocument,
    /// None for did:web.
    pub(super) log: Option<VerifiedLog>,
}

impl Network {
    /// The document of `did`; of a did:plc account with the log that it follows from, which the
    /// document that the directory serves has to agree with.
    pub(super) async fn established(
        &self,
        did: &Did,
        known: Option<&KnownLog>,
        now: Timestamp,
    ) -> Result<Established, VerifyError> {
        if did.as_str().starts_with("did:web:") {
            let document = self.did_document(did).await?;
            let log = None;
            return Ok(Established { document, log });
        }
        let (served, log) = tokio::join!(self.served_document(did), self.plc_log(did, known, now));
        match self.agreed(did, served, log?) {
            // An operation may have come in between the two answers.
            Err(VerifyError::Log(LogError::DocumentDiffers)) => {
                let log = self.plc_log(did, known, now).await?;
                let served = self.served_document(did).await;
                self.agreed(did, served, log)
            }
            outcome => outcome,
        }
    }

    fn agreed(
        &self,
        did: &Did,
        served: Result<Value, DocumentError>,
        log: VerifiedLog,
    ) -> Result<Established, VerifyError> {
        let served = served?;
        let logged = log.state.document(did);
        let read = |document| DidDocument::from_json(document, did, self.endpoints.development);
        // One that cannot be used by itself contradicts nothing.
        let theirs = read(&served).ok_or(DocumentError::Unresolvable)?;
        let names = |document: &Value| document.get("alsoKnownAs").cloned();
        match read(&logged) {
            Some(document) if document == theirs && names(&logged) == names(&served) => {
                Ok(Established {
                    document,
                    log: Some(log),
                })
            }
            _ => Err(LogError::DocumentDiffers.into()),
        }
    }
}
