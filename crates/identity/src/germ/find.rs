//! Finding an account's declaration and what may be shown of it.

use sotto_wire::did::Did;
use url::Url;

use super::{Audience, COLLECTION, GermDeclaration, GermError, RKEY};
use crate::did_document::DidDocument;
use crate::handle::Handle;
use crate::network::Network;

/// A verified declaration out of the account's own repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundDeclaration {
    document: DidDocument,
    declaration: GermDeclaration,
}

impl FoundDeclaration {
    /// What the account declares.
    #[must_use]
    pub fn declaration(&self) -> &GermDeclaration {
        &self.declaration
    }

    /// The handle that the account claims; believed only where it was what led to the account.
    #[must_use]
    pub fn claimed_handle(&self) -> Option<&Handle> {
        self.document.handle.as_ref()
    }
}

impl Network {
    /// The Germ declaration of `did`, proved by its repository and verified (docs/protocol.md §7).
    ///
    /// # Errors
    /// [`GermError`], with [`GermError::None`] where the account is proved to have none.
    pub async fn germ_declaration(&self, did: &Did) -> Result<FoundDeclaration, GermError> {
        let document = self.did_document(did).await?;
        let proved = self.prove_record(&document, COLLECTION, RKEY).await?;
        let record = proved.record.ok_or(GermError::None)?;
        Ok(FoundDeclaration {
            declaration: GermDeclaration::verify(&record, did)?,
            document,
        })
    }

    /// Where `viewer` may be sent to write to the account on Germ: nothing where the account does
    /// not offer that to `viewer`, or where it cannot be established that it does.
    pub async fn germ_link(&self, found: &FoundDeclaration, viewer: &Did) -> Option<Url> {
        let declaration = &found.declaration;
        let offered = *viewer != declaration.did
            && match declaration.audience() {
                Audience::Nobody => false,
                Audience::Followed => self.proves_to_follow(&found.document, viewer).await,
                Audience::Everyone => true,
            };
        declaration.link(viewer).filter(|_| offered)
    }
}
