//! Finding a peer: its verified account, its devices' key packages, its profile. All of it is
//! fetched before any transaction.

mod check;
mod devices;
mod error;
mod follows;
mod germ;
pub(crate) mod profile;
mod remembered;

pub(crate) use devices::Device;
pub(crate) use error::DiscoveryError;
pub(crate) use follows::Follows;
pub(crate) use remembered::{Remembered, remember};

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
    pub(crate) follows: Arc<Follows>,
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
        let remembered = Remembered::of(&self.database, did).await?;
        let now = self.clock.now();
        let verified = self
            .network
            .verify_contact(handle, did, remembered.known(), now)
            .await;
        match verified.map_err(DiscoveryError::from) {
            Ok(account) => {
                remember(&self.database, &account).await?;
                Ok(account)
            }
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
        let remembered = Remembered::of(&self.database, did).await?;
        let now = self.clock.now();
        let verified = self
            .network
            .verify_account(did, remembered.known(), now)
            .await?;
        remember(&self.database, &verified).await?;
        Ok(verified)
    }

    /// A verified account with its profile, to be stored.
    pub(crate) async fn peer(&self, verified: VerifiedAccount) -> Peer {
        let mut peer = profile::fetch(&self.network, &verified).await;
        peer.verified_at = self.clock.now_ms();
        peer
    }

    /// The same without a profile: whoever has not been let in does not get to know that their
    /// name and picture were looked at.
    pub(crate) fn stranger(&self, verified: &VerifiedAccount) -> Peer {
        Peer {
            pin: verified.pin(),
            handle: verified.handle().map(ToString::to_string),
            display_name: None,
            avatar: None,
            verified_at: self.clock.now_ms(),
            last_error: None,
            confirmed_at: None,
        }
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
