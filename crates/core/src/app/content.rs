//! What the user does with messages: reactions, edits, deletions, timers, receipts.

use super::reading::known;
use super::{App, present};
use crate::db::DbError;
use crate::messages::ComposeError;
use crate::messages::content::{self, Receipts};
use crate::views::{EditView, ErrorView, ReceiptsView};

impl App {
    pub(super) async fn reacting(
        &self,
        message: i64,
        emoji: Option<String>,
    ) -> Result<(), ErrorView> {
        self.told(move |tx| content::react(tx, message, emoji.as_deref()))
            .await
    }

    pub(super) async fn editing(&self, message: i64, text: String) -> Result<(), ErrorView> {
        self.told(move |tx| content::edit(tx, message, &text)).await
    }

    pub(super) async fn deleting(&self, message: i64, for_everyone: bool) -> Result<(), ErrorView> {
        self.told(move |tx| content::delete(tx, message, for_everyone))
            .await
    }

    /// Something that the peer is to hear of as soon as it can.
    async fn told(
        &self,
        change: impl FnOnce(&crate::db::WriteTx<'_>) -> Result<(), ComposeError> + Send + 'static,
    ) -> Result<(), ErrorView> {
        let ready = self.ready()?;
        ready.database.write(move |tx| change(tx)).await?;
        self.hurry(&ready, false);
        Ok(())
    }

    pub(super) async fn earlier(&self, message: i64) -> Result<Vec<EditView>, ErrorView> {
        let read = self.ready()?.database.clone();
        let edits = read
            .read::<_, DbError>(move |tx| content::edits(tx, message))
            .await?;
        Ok(edits.iter().map(present::edit).collect())
    }

    pub(super) async fn timing(
        &self,
        conversation: &str,
        seconds: Option<u32>,
    ) -> Result<(), ErrorView> {
        let id = known(conversation)?;
        self.told(move |tx| content::set_timer(tx, &id, seconds))
            .await
    }

    pub(super) async fn writing(&self, conversation: &str) -> Result<(), ErrorView> {
        let id = known(conversation)?;
        Ok(self.ready()?.delivery.typing(id).await?)
    }

    pub(super) async fn told_of(&self) -> Result<ReceiptsView, ErrorView> {
        let database = self.ready()?.database.clone();
        let Receipts { read, typing } = database
            .read::<_, DbError>(|tx| content::receipts(tx))
            .await?;
        Ok(ReceiptsView { read, typing })
    }

    pub(super) async fn tell_of(
        &self,
        read: bool,
        typing: bool,
    ) -> Result<ReceiptsView, ErrorView> {
        let receipts = Receipts { read, typing };
        self.told(move |tx| Ok(content::set_receipts(tx, receipts)?))
            .await?;
        self.told_of().await
    }
}
