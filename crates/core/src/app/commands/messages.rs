//! Messages and their files: reading, finding, writing, changing.

use crate::app::App;
use crate::views::{EditView, ErrorView, MessageView, SearchView};
use std::path::PathBuf;

/// Commands fail with an [`ErrorView`] whose code the UI has a sentence for.
#[expect(
    clippy::missing_errors_doc,
    reason = "every command: see the line above"
)]
impl App {
    /// Up to `limit` messages older than `before`, oldest first.
    pub async fn messages(
        &self,
        conversation_id: String,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<MessageView>, ErrorView> {
        self.page(&conversation_id, before, limit).await
    }

    /// These messages, those that exist.
    pub async fn messages_by_id(&self, ids: Vec<i64>) -> Result<Vec<MessageView>, ErrorView> {
        self.some(ids).await
    }

    /// Messages that hold every word of `query`, the last of which may be unfinished, in one
    /// conversation or in all; `before` is [`SearchView::more`] of the answer before.
    pub async fn search(
        &self,
        query: String,
        conversation_id: Option<String>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<SearchView, ErrorView> {
        self.find(query, conversation_id, before, limit).await
    }

    /// Up to `limit` messages around one of them, oldest first.
    pub async fn messages_around(
        &self,
        conversation_id: String,
        message_id: i64,
        limit: u32,
    ) -> Result<Vec<MessageView>, ErrorView> {
        self.page_around(&conversation_id, message_id, limit).await
    }

    /// Up to `limit` messages newer than `after`, oldest first.
    pub async fn messages_after(
        &self,
        conversation_id: String,
        after: i64,
        limit: u32,
    ) -> Result<Vec<MessageView>, ErrorView> {
        self.page_after(&conversation_id, after, limit).await
    }

    /// Writes a text message down, in answer to another one or not; it is sent in the background.
    pub async fn send_text(
        &self,
        conversation_id: String,
        text: String,
        reply_to: Option<i64>,
    ) -> Result<MessageView, ErrorView> {
        self.write(&conversation_id, text, reply_to).await
    }

    /// Reacts to a message with one visible character, in the place of the reaction there was; null
    /// withdraws it.
    pub async fn react(&self, message_id: i64, emoji: Option<String>) -> Result<(), ErrorView> {
        self.reacting(message_id, emoji).await
    }

    /// Gives an own message another text.
    pub async fn edit_message(&self, message_id: i64, text: String) -> Result<(), ErrorView> {
        self.editing(message_id, text).await
    }

    /// Deletes a message here, or, if it is the user's own, for everyone.
    pub async fn delete_message(
        &self,
        message_id: i64,
        for_everyone: bool,
    ) -> Result<(), ErrorView> {
        self.deleting(message_id, for_everyone).await
    }

    /// The texts that a message had before the present one, oldest first.
    pub async fn message_edits(&self, message_id: i64) -> Result<Vec<EditView>, ErrorView> {
        self.earlier(message_id).await
    }

    /// Writes a message with a file down; it is sent in the background when the file is at the relay.
    /// The caption may be empty.
    pub async fn send_file(
        &self,
        conversation_id: String,
        path: PathBuf,
        caption: String,
    ) -> Result<MessageView, ErrorView> {
        self.attach(&conversation_id, path, caption).await
    }

    /// Stops a file on its way: takes back a message that waits for it, leaves one that is being
    /// fetched at the relay.
    pub async fn cancel_attachment(&self, message_id: i64, index: u32) -> Result<(), ErrorView> {
        self.stop_file(message_id, index).await
    }

    /// Has a file fetched in the background. Nothing is ever fetched without this.
    pub async fn fetch_attachment(&self, message_id: i64, index: u32) -> Result<(), ErrorView> {
        self.get_file(message_id, index).await
    }

    /// Saves a file that is here at `path`; where that is a folder, in it, under a name that is
    /// free. Returns where it is.
    pub async fn save_attachment(
        &self,
        message_id: i64,
        index: u32,
        path: PathBuf,
    ) -> Result<PathBuf, ErrorView> {
        self.keep_file(message_id, index, path).await
    }

    /// Tries a failed message again.
    pub async fn retry(&self, message_id: i64) -> Result<(), ErrorView> {
        self.once_more(message_id).await
    }
}
