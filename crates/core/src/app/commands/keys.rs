//! The own key, in the record and in the DID document, and a peer's that has changed.

use crate::app::App;
use crate::views::{AnchoringView, AppState, ConversationView, ErrorView};

/// Commands fail with an [`ErrorView`] whose code the UI has a sentence for.
#[expect(
    clippy::missing_errors_doc,
    reason = "every command: see the line above"
)]
impl App {
    /// The words of the own delegate key, to be written down: after a set-up and after a rotation,
    /// until [`App::confirm_recovery_words`]. This is the one place where a secret crosses to the
    /// user interface, because the user is to have it. It goes into no log and no event.
    pub async fn recovery_words(&self) -> Result<Vec<String>, ErrorView> {
        self.words().await
    }

    /// The words are written down and not shown again.
    pub async fn confirm_recovery_words(&self) -> Result<AppState, ErrorView> {
        self.words_kept().await
    }

    /// Replaces the delegate key by a new one that it vouches for. Where the DID document has to
    /// name that first, it is [`AnchoringView::successor`] afterwards, and the commands for
    /// anchoring go on with it.
    pub async fn rotate_key(&self) -> Result<AppState, ErrorView> {
        self.rotating().await
    }

    /// Takes over an account that is set up elsewhere with its recovery words.
    pub async fn recover(&self, words: String) -> Result<AppState, ErrorView> {
        self.recovering(words).await
    }

    /// Takes over an account whose key and words are lost, with a key that nobody vouches for.
    /// As [`App::rotate_key`] where the DID document has to follow.
    pub async fn replace_key(&self, handle: String) -> Result<AppState, ErrorView> {
        self.replacing(handle).await
    }

    /// Takes the delegation back and stops messaging; deletes no history.
    pub async fn revoke(&self) -> Result<AppState, ErrorView> {
        self.revoking().await
    }

    /// Accepts the key that a peer has now: `key` is [`HoldView::key`](crate::views::HoldView).
    pub async fn accept_key_change(
        &self,
        conversation_id: String,
        key: String,
    ) -> Result<ConversationView, ErrorView> {
        self.accepting(&conversation_id, &key).await
    }

    /// How the own key stands in the account's DID document, as far as it was looked at.
    pub async fn anchoring(&self) -> Result<AnchoringView, ErrorView> {
        self.anchoring_view().await
    }

    /// Looks at the DID document now.
    pub async fn check_anchoring(&self) -> Result<AnchoringView, ErrorView> {
        self.checking_anchor().await
    }

    /// Asks for the permission to change the DID document, unless it is still there, and has a code
    /// sent by e-mail; returns when that is done. With `remove` the key is to be taken out.
    pub async fn begin_anchoring(&self, remove: bool) -> Result<AnchoringView, ErrorView> {
        self.beginning_anchoring(remove).await
    }

    /// Changes the DID document, with the code that came by e-mail, and replaces the key where that
    /// waited for it.
    pub async fn finish_anchoring(&self, code: String) -> Result<AnchoringView, ErrorView> {
        self.finishing_anchoring(code).await
    }

    /// Gives up the change that is under way, and the permission for it; also the replacement of
    /// the key that waits for it, where the next key is not published yet.
    pub async fn cancel_anchoring(&self) -> Result<AnchoringView, ErrorView> {
        self.cancelling_anchoring().await
    }
}
