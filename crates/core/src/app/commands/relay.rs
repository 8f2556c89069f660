//! The own relay.

use crate::app::App;
use crate::views::{ErrorView, RelayOfferView, RelayView};

/// Commands fail with an [`ErrorView`] whose code the UI has a sentence for.
#[expect(
    clippy::missing_errors_doc,
    reason = "every command: see the line above"
)]
impl App {
    /// The relay in use, a move to another one that is under way, and relays that were left where
    /// something may still come.
    pub async fn relay(&self) -> Result<RelayView, ErrorView> {
        self.own_relay().await
    }

    /// Whether the account could move to a relay, and what that offers. Changes nothing.
    pub async fn check_relay(&self, relay: String) -> Result<RelayOfferView, ErrorView> {
        self.looking_at(&relay).await
    }

    /// Moves the account to another relay; returns when it is there. What is interrupted after it was
    /// published goes on by itself.
    pub async fn move_relay(&self, relay: String) -> Result<RelayView, ErrorView> {
        self.moving(&relay).await
    }

    /// Takes a move back that is not published.
    pub async fn cancel_move(&self) -> Result<RelayView, ErrorView> {
        self.staying().await
    }
}
