//! From the vault to messaging and back.

use crate::app::App;
use crate::app::phase::Phase;
use crate::views::{AppState, ErrorView};

/// Commands fail with an [`ErrorView`] whose code the UI has a sentence for.
#[expect(
    clippy::missing_errors_doc,
    reason = "every command: see the line above"
)]
impl App {
    /// Which screen to show.
    pub async fn state(&self) -> Result<AppState, ErrorView> {
        if matches!(self.inner.phase(), Phase::Closed) {
            let _turn = self.inner.turn.lock().await;
            if matches!(self.inner.phase(), Phase::Closed) {
                self.open().await?;
            }
        }
        self.inner.view().await
    }

    /// Opens the vault file, or makes it, with a passphrase.
    pub async fn unlock(&self, passphrase: String) -> Result<AppState, ErrorView> {
        let _turn = self.inner.turn.lock().await;
        if matches!(self.inner.phase(), Phase::Locked { .. }) {
            let vault = self.inner.vault_place().open_with(passphrase).await?;
            self.opened(vault).await?;
        }
        self.inner.view().await
    }

    /// Signs in through the browser; returns when that is over.
    pub async fn sign_in(&self, handle: String) -> Result<AppState, ErrorView> {
        self.signing_in(handle).await
    }

    /// Gives up the sign-in under way.
    pub async fn cancel_sign_in(&self) -> Result<AppState, ErrorView> {
        self.cancel();
        // The sign-in holds the turn until it has ended.
        let _turn = self.inner.turn.lock().await;
        self.inner.view().await
    }

    /// Delegates the account to this device with `relay` as its discovery domain.
    pub async fn set_up(&self, relay: String) -> Result<AppState, ErrorView> {
        self.setting_up(relay).await
    }

    /// Stops messaging and forgets which account was current; deletes no history.
    pub async fn sign_out(&self) -> Result<AppState, ErrorView> {
        self.signing_out().await
    }
}
