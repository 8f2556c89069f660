//! The conversations, what belongs to each of them, and who there is to begin one with.

use crate::app::App;
use crate::views::{
    ConnectionView, ConversationView, ErrorView, GermView, ReceiptsView, SuggestionView,
};

/// Commands fail with an [`ErrorView`] whose code the UI has a sentence for.
#[expect(
    clippy::missing_errors_doc,
    reason = "every command: see the line above"
)]
impl App {
    /// The conversation list, newest first.
    pub async fn conversations(&self) -> Result<Vec<ConversationView>, ErrorView> {
        self.list().await
    }

    /// One line of it.
    pub async fn conversation(&self, id: String) -> Result<Option<ConversationView>, ErrorView> {
        self.one(&id).await
    }

    /// Verifies the account behind a handle (or DID) and opens the conversation with it.
    pub async fn start_conversation(&self, handle: String) -> Result<ConversationView, ErrorView> {
        self.begin(&handle).await
    }

    /// Whether someone who does not use Sotto can be reached on Germ, and how.
    pub async fn on_germ(&self, handle: String) -> Result<Option<GermView>, ErrorView> {
        self.elsewhere(&handle).await
    }

    /// Opens the way to them in the user's browser.
    pub async fn open_germ(&self, handle: String) -> Result<(), ErrorView> {
        self.go_elsewhere(&handle).await
    }

    /// Accounts whose handle or name begins like `query`.
    pub async fn suggestions(&self, query: String) -> Result<Vec<SuggestionView>, ErrorView> {
        self.suggest(&query).await
    }

    /// Keeps what is being written, until it is sent; an empty text removes it.
    pub async fn save_draft(&self, conversation_id: String, text: String) -> Result<(), ErrorView> {
        self.keep_draft(&conversation_id, text).await
    }

    /// Has the messages that are written from here on disappear after so many seconds (a year at
    /// most), or not.
    pub async fn set_timer(
        &self,
        conversation_id: String,
        seconds: Option<u32>,
    ) -> Result<(), ErrorView> {
        self.timing(&conversation_id, seconds).await
    }

    /// Something is being written to this peer, who is told if the user wants that.
    pub async fn typing(&self, conversation_id: String) -> Result<(), ErrorView> {
        self.writing(&conversation_id).await
    }

    /// Everything in this conversation has been seen.
    pub async fn mark_read(&self, conversation_id: String) -> Result<(), ErrorView> {
        self.seen(&conversation_id).await
    }

    /// Whether messages can come and go.
    pub async fn connection(&self) -> Result<ConnectionView, ErrorView> {
        Ok(self.reached())
    }

    /// What peers are told of the user.
    pub async fn receipts(&self) -> Result<ReceiptsView, ErrorView> {
        self.told_of().await
    }

    /// Chooses what peers are told of the user.
    pub async fn set_receipts(&self, read: bool, typing: bool) -> Result<ReceiptsView, ErrorView> {
        self.tell_of(read, typing).await
    }
}
