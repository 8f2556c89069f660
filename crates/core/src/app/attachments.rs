//! Files that go with messages: the commands.

use super::App;
use super::reading::known;
use crate::attachments::saving::Fetched;
use crate::attachments::{AttachmentProblem, reading};
use crate::db::DbError;
use crate::db::attachments::AttachmentState;
use crate::messages::{attach, history};
use crate::views::{ErrorView, MessageView};
use std::path::PathBuf;

impl App {
    pub(super) async fn attach(
        &self,
        conversation: &str,
        path: PathBuf,
        caption: String,
    ) -> Result<MessageView, ErrorView> {
        let ready = self.ready()?;
        let id = known(conversation)?;
        let chosen = blocking(move || reading::choose(&path)).await??;
        let write = ready
            .database
            .write(move |tx| attach::compose(tx, &id, caption.trim(), &chosen));
        let message = write.await?;
        self.hurry(&ready, false);
        let written = self.some(vec![message]).await?.into_iter().next();
        written.ok_or_else(|| ErrorView::new("internal"))
    }

    pub(super) async fn stop_file(&self, message: i64, index: u32) -> Result<(), ErrorView> {
        let ready = self.ready()?;
        let write = ready
            .database
            .write(move |tx| attach::cancel(tx, message, index));
        Ok(write.await??)
    }

    pub(super) async fn get_file(&self, message: i64, index: u32) -> Result<(), ErrorView> {
        let ready = self.ready()?;
        let write = ready
            .database
            .write(move |tx| attach::fetch(tx, message, index));
        Ok(write.await??)
    }

    pub(super) async fn keep_file(
        &self,
        message: i64,
        index: u32,
        path: PathBuf,
    ) -> Result<PathBuf, ErrorView> {
        let ready = self.ready()?;
        let read = ready
            .database
            .read::<_, DbError>(move |tx| history::attachments(tx, message));
        let found = read.await?.into_iter().find(|it| it.place == index);
        let attachment = found.ok_or(AttachmentProblem::Unknown)?;
        let (AttachmentState::Here, Some((key, nonce))) = (attachment.state, attachment.secret)
        else {
            return Err(AttachmentProblem::NotHere.into());
        };
        let folder = ready.folder.clone();
        let saved = blocking(move || {
            let fetched = Fetched {
                folder: &folder,
                id: attachment.id,
                size: attachment.size,
                key: &key,
                nonce: &nonce,
            };
            fetched.save(&path, &attachment.name)
        });
        Ok(saved.await??)
    }
}

/// Runs work with files where it may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ErrorView> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| ErrorView::new("internal"))
}
