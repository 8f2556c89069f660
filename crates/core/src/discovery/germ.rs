//! Where someone without Sotto can be reached instead (docs/protocol.md §7.1). Nothing of it is
//! kept, and no message ever goes there.

use super::{Discovery, DiscoveryError};
use sotto_identity::germ::GermError;
use sotto_identity::handle::Handle;
use sotto_identity::verify::VerifyError;
use sotto_wire::did::Did;
use url::Url;

/// An account that has declared to use Germ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OnGerm {
    /// As it was asked for: the handle, or the DID.
    pub(crate) name: String,
    /// Where it offers the own account to write to it.
    pub(crate) link: Option<Url>,
}

impl Discovery {
    /// What the account behind a handle (or DID) declares; nothing where it declares nothing that
    /// can be believed.
    pub(crate) async fn on_germ(&self, typed: &str) -> Result<Option<OnGerm>, DiscoveryError> {
        let typed = typed.trim().trim_start_matches('@');
        let (did, handle) = self.named(typed).await?;
        self.not_own(&did)?;
        let found = match self.network.germ_declaration(&did).await {
            Ok(found) => found,
            Err(error) => {
                if error != GermError::None {
                    tracing::info!(%error, "a Germ declaration was not believed");
                }
                return Ok(None);
            }
        };
        if handle.is_some() && handle.as_ref() != found.claimed_handle() {
            return Err(VerifyError::HandleMismatch.into());
        }
        Ok(Some(OnGerm {
            name: handle.map_or_else(|| did.to_string(), |handle| handle.to_string()),
            link: self.network.germ_link(&found, &self.own.did).await,
        }))
    }

    async fn named(&self, typed: &str) -> Result<(Did, Option<Handle>), DiscoveryError> {
        if typed.starts_with("did:") {
            let did = Did::parse(typed).map_err(|_| DiscoveryError::HandleInvalid)?;
            return Ok((did, None));
        }
        let handle = Handle::parse(typed).map_err(|_| DiscoveryError::HandleInvalid)?;
        Ok((self.network.resolve_handle(&handle).await?, Some(handle)))
    }
}
