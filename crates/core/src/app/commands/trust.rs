//! Whom to believe and whom to let in: safety numbers, origins, requests.

use crate::app::App;
use crate::views::{
    ConversationView, ErrorView, IncomingPolicy, PolicyView, ProvenanceView, RequestsView,
    SafetyComparison, SafetyNumberView,
};

/// Commands fail with an [`ErrorView`] whose code the UI has a sentence for.
#[expect(
    clippy::missing_errors_doc,
    reason = "every command: see the line above"
)]
impl App {
    /// What the two people of a conversation compare (docs/protocol.md §1.8).
    pub async fn safety_number(
        &self,
        conversation_id: String,
    ) -> Result<SafetyNumberView, ErrorView> {
        self.number(&conversation_id).await
    }

    /// The user has compared `number`, as it was shown, or takes that back.
    pub async fn set_confirmed(
        &self,
        conversation_id: String,
        confirmed: bool,
        number: String,
    ) -> Result<SafetyNumberView, ErrorView> {
        self.confirm(&conversation_id, confirmed, number).await
    }

    /// Looks for the peer's code in a PNG or JPEG file (base64); a match confirms the peer's key.
    pub async fn compare_safety_code(
        &self,
        conversation_id: String,
        picture: String,
    ) -> Result<SafetyComparison, ErrorView> {
        self.compare(&conversation_id, picture).await
    }

    /// Where a message came from, checked now.
    pub async fn provenance(&self, message_id: i64) -> Result<ProvenanceView, ErrorView> {
        self.came_from(message_id).await
    }

    /// First messages that wait for the user's word. Their senders notice nothing of it.
    pub async fn requests(&self) -> Result<RequestsView, ErrorView> {
        self.waiting().await
    }

    /// Lets the sender of a request in: the conversation begins, and is answered.
    pub async fn accept_request(&self, id: String) -> Result<ConversationView, ErrorView> {
        self.let_in(&id).await
    }

    /// Discards a request. The sender does not get to know.
    pub async fn decline_request(&self, id: String) -> Result<(), ErrorView> {
        self.turn_away(&id).await
    }

    /// From whom first messages come straight in.
    pub async fn policy(&self) -> Result<PolicyView, ErrorView> {
        self.reachable().await
    }

    /// Chooses from whom; it counts here at once, and is published in the account's record.
    pub async fn set_incoming(&self, policy: IncomingPolicy) -> Result<PolicyView, ErrorView> {
        self.choose(policy).await
    }
}
