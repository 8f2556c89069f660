//! A new look at an account that is known: its key, and the devices under it (docs/protocol.md §1.10
//! to §1.13).

use super::devices::current_roster;
use super::{Discovery, DiscoveryError, Remembered, remember};
use crate::db::holds::{self, Hold};
use sotto_identity::verify::{Pin, VerifiedAccount, VerifyError};
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use sotto_wire::roster::VerifiedRoster;

/// What a look at an account found.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) pin: Pin,
    /// Not known where its relay does not answer.
    pub(crate) roster: Option<VerifiedRoster>,
}

impl Discovery {
    /// Verifies an account anew and asks its relay for its devices.
    pub(crate) async fn check(&self, did: &Did) -> Result<Checked, DiscoveryError> {
        let pin = self.verified(did).await?.pin();
        self.with_roster(pin).await
    }

    /// The account under a key that nobody vouches for: everything but §1.4 step 5 has to hold, and
    /// the key has to be `shown`, the one that the user was shown.
    pub(crate) async fn accept(
        &self,
        did: &Did,
        shown: &PublicKey,
    ) -> Result<Checked, DiscoveryError> {
        // Who looks for this key finds no change in it; whatever else was pinned stays so.
        let mut remembered = Remembered::of(&self.database, did).await?;
        remembered.pin = remembered.pin.map(|pin| Pin { key: *shown, ..pin });
        let now = self.clock.now();
        let found = self
            .network
            .verify_account(did, remembered.known(), now)
            .await?;
        remember(&self.database, &found).await?;
        // Not one that leads from the key that was shown to yet another one.
        if found.key() != shown {
            return Err(VerifyError::KeyChanged.into());
        }
        let pin = found.pin();
        let roster = match self.relays.roster(&pin.domain, did).await {
            Ok(object) => Some(current_roster(&object, &pin, 0)?),
            Err(_) => None,
        };
        Ok(Checked { pin, roster })
    }

    /// Holds everything back where a known account is proved not to verify. Where its key has
    /// changed, with the key that it names now: everything but §1.4 step 5 holds for it.
    pub(crate) async fn hold_back(
        &self,
        did: &Did,
        error: &DiscoveryError,
    ) -> Result<(), DiscoveryError> {
        let DiscoveryError::Verify(why) = error else {
            return Ok(());
        };
        // What seems to be of the future, or expired, may be neither.
        if self.relays.clock_is_wrong() {
            return Ok(());
        }
        // A handle that leads elsewhere says nothing about the account.
        if why.is_temporary() || matches!(why, VerifyError::Handle(_) | VerifyError::HandleMismatch)
        {
            return Ok(());
        }
        tracing::warn!(code = why.code(), "a peer's account does not verify");
        let key = match why {
            VerifyError::KeyChanged => self.named_now(did).await,
            _ => None,
        };
        let (did, code) = (did.clone(), why.code().to_owned());
        let hold = Hold { code, key };
        let write = self
            .database
            .write(move |tx| holds::refuse(tx, &did, &hold));
        Ok(write.await?)
    }

    async fn named_now(&self, did: &Did) -> Option<PublicKey> {
        let now = self.clock.now();
        let mut remembered = Remembered::of(&self.database, did).await.ok()?;
        remembered.pin = None;
        let known = remembered.known();
        let found = self.network.verify_account(did, known, now).await.ok();
        found.as_ref().map(VerifiedAccount::key).copied()
    }

    async fn with_roster(&self, pin: Pin) -> Result<Checked, DiscoveryError> {
        let roster = self.roster_of(&pin).await?;
        Ok(Checked { pin, roster })
    }

    /// The devices of a verified account, where its relay says which.
    pub(crate) async fn roster_of(
        &self,
        pin: &Pin,
    ) -> Result<Option<VerifiedRoster>, DiscoveryError> {
        let seen = self.roster_seen(&pin.did).await?;
        Ok(match self.relays.roster(&pin.domain, &pin.did).await {
            // Under another key it is one that is being replaced just now.
            Ok(object) => current_roster(&object, pin, seen).ok(),
            Err(_) => None,
        })
    }
}
