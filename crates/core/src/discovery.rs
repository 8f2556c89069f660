//! Finding a peer: its verified account, its devices' key packages, its profile. All of it is
//! fetched before any transaction.

mod check;
mod devices;
mod error;
pub(crate) mod profile;

pub(crate) use devices::Device;
pub(crate) use error::DiscoveryError;

use crate::db::{Database, OwnAccount, Peer, peers};
use crate::relay::Relays;
use sotto_identity::Network;
use sotto_identity::handle::Handle;
use sotto_identity::verify::VerifiedAccount;
use sotto_wire::did::Did;
use sotto_wire::time::Clock;
use std::sync::Arc;

/// Finds peers for one own account. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Discovery {
    pub(crate) network: Network,
    pub(crate) relays: Relays,
    pub(crate) database: Database,
    pub(crate) own: Arc<OwnAccount>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Discovery {
    /// The account behind a handle (or DID) as the user typed it, verified, with its profile.
    pub(crate) async fn contact(&self, typed: &str) -> Result<Peer, DiscoveryError> {
        let typed = typed.trim().trim_start_matches('@');
        let verified = if typed.starts_with("did:") {
            let did = Did::parse(typed).map_err(|_| DiscoveryError::HandleInvalid)?;
            self.not_own(&did)?;
            self.met(&did).await?
        } else {
            let handle = Handle::parse(typed).map_err(|_| DiscoveryError::HandleInvalid)?;
            let did = self.network.resolve_handle(&handle).await?;
            self.not_own(&did)?;
            self.verified_contact(&handle, &did).await?
        };
        Ok(self.peer(verified).await)
    }

    async fn verified_contact(
        &self,
        handle: &Handle,
        did: &Did,
    ) -> Result<VerifiedAccount, DiscoveryError> {
        let known = self.known(did).await?.map(|peer| peer.pin);
        let now = self.clock.now();
        let verified = self
            .network
            .verify_contact(handle, did, known.as_ref(), now)
            .await;
        match verified.map_err(DiscoveryError::from) {
            Ok(account) => Ok(account),
            Err(error) => {
                self.hold_back(did, &error).await?;
                Err(error)
            }
        }
    }

    /// An account met by its DID, with its handle where that is proved.
    pub(crate) async fn met(&self, did: &Did) -> Result<VerifiedAccount, DiscoveryError> {
        let mut verified = self.verified(did).await?;
        self.network.confirm_handle(&mut verified).await;
        Ok(verified)
    }

    /// An account verified anew, against what is known of it.
    pub(crate) async fn verified(&self, did: &Did) -> Result<VerifiedAccount, DiscoveryError> {
        let known = self.known(did).await?.map(|peer| peer.pin);
        Ok(self
            .network
            .verify_account(did, known.as_ref(), self.clock.now())
            .await?)
    }

    /// A verified account with its profile, to be stored.
    pub(crate) async fn peer(&self, verified: VerifiedAccount) -> Peer {
        let mut peer = profile::fetch(&self.network, &verified).await;
        peer.verified_at = self.clock.now_ms();
        peer
    }

    /// What is stored of an account.
    pub(crate) async fn known(&self, did: &Did) -> Result<Option<Peer>, DiscoveryError> {
        let did = did.clone();
        Ok(self
            .database
            .read(move |tx| peers::by_did(tx, &did))
            .await?)
    }

    fn not_own(&self, did: &Did) -> Result<(), DiscoveryError> {
        if *did == self.own.did {
            Err(DiscoveryError::OwnAccount)
        } else {
            Ok(())
        }
    }
}
