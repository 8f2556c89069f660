//! Conversations and messages: the commands of an account that is messaging.

use super::phase::{Phase, Ready};
use super::{App, present};
use crate::db::ReadTx;
use crate::messages::{self, Conversation, EngineError, Message, compose, history, start};
use crate::views::{
    ConnectionState, ConnectionView, ConversationView, ErrorView, MessageView, SuggestionView,
};
use sotto_wire::conversation::ConversationId;
use std::sync::Arc;

/// Messages of one answer.
pub(super) const MAX_PAGE: u32 = 500;
const SUGGESTIONS: u8 = 8;

impl App {
    pub(super) fn ready(&self) -> Result<Arc<Ready>, ErrorView> {
        match self.inner.phase() {
            Phase::Ready(ready) => Ok(ready),
            _ => Err(ErrorView::with_detail("internal", "not signed in")),
        }
    }

    /// The database of the account that is messaging.
    ///
    /// # Errors
    /// When none is.
    #[cfg(feature = "testing")]
    pub fn database(&self) -> Result<crate::db::Database, ErrorView> {
        Ok(self.ready()?.database.clone())
    }

    pub(super) async fn list(&self) -> Result<Vec<ConversationView>, ErrorView> {
        let ready = self.ready()?;
        let conversations = ready.database.read(history::conversations).await?;
        Ok(conversations.iter().map(|it| line(&ready, it)).collect())
    }

    pub(super) async fn one(&self, id: &str) -> Result<Option<ConversationView>, ErrorView> {
        let Some(id) = ConversationId::from_hex(id) else {
            return Ok(None);
        };
        let ready = self.ready()?;
        let found = ready
            .database
            .read(move |tx| history::conversation(tx, &id))
            .await?;
        Ok(found.as_ref().map(|it| line(&ready, it)))
    }

    pub(super) async fn begin(&self, handle: &str) -> Result<ConversationView, ErrorView> {
        let ready = self.ready()?;
        let peer = match ready.discovery.contact(handle).await {
            Ok(peer) => peer,
            // What is there already needs no network.
            Err(error) if error.is_temporary() => {
                let known = self.list().await?;
                let same = |it: &ConversationView| it.peer.handle.eq_ignore_ascii_case(handle);
                return known.into_iter().find(same).ok_or_else(|| error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let write = ready
            .database
            .write(move |tx| start::conversation(tx, &peer));
        let id = write.await?.hex();
        self.one(&id)
            .await?
            .ok_or_else(|| ErrorView::new("internal"))
    }

    pub(super) async fn suggest(&self, query: &str) -> Result<Vec<SuggestionView>, ErrorView> {
        let network = &self.inner.network;
        // A service that does not answer suggests nothing; typing a whole handle works without.
        let found = network
            .suggestions(query, SUGGESTIONS)
            .await
            .unwrap_or_default();
        let views = found.into_iter().map(|it| async move {
            let avatar = match &it.avatar {
                Some(url) => network.suggestion_avatar(url).await,
                None => None,
            };
            SuggestionView {
                did: it.did.to_string(),
                handle: it.handle.to_string(),
                display_name: it.display_name,
                avatar: avatar.map(|image| present::data_url(image.mime, &image.bytes)),
            }
        });
        Ok(futures_util::future::join_all(views).await)
    }

    pub(super) async fn page(
        &self,
        conversation: &str,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<MessageView>, ErrorView> {
        let Some(id) = ConversationId::from_hex(conversation) else {
            return Ok(Vec::new());
        };
        let limit = limit.min(MAX_PAGE);
        let ready = self.ready()?;
        let read = ready.database.read(move |tx| {
            let messages = history::page(tx, &id, before, limit)?;
            presented(tx, &messages)
        });
        Ok(read.await?)
    }

    pub(super) async fn some(&self, ids: Vec<i64>) -> Result<Vec<MessageView>, ErrorView> {
        let ready = self.ready()?;
        let read = ready.database.read(move |tx| {
            let messages = history::by_ids(tx, &ids)?;
            presented(tx, &messages)
        });
        Ok(read.await?)
    }

    pub(super) async fn write(
        &self,
        conversation: &str,
        text: String,
        reply_to: Option<i64>,
    ) -> Result<MessageView, ErrorView> {
        let ready = self.ready()?;
        let id = known(conversation)?;
        let message = ready
            .database
            .write(move |tx| compose::reply(tx, &id, &text, reply_to))
            .await?;
        let written = self.some(vec![message]).await?;
        let written = written.into_iter().next();
        // What the conversation waits for may have come meanwhile: the user wants to know now.
        self.hurry(
            &ready,
            written.as_ref().is_some_and(|it| it.error.is_some()),
        );
        written.ok_or_else(|| ErrorView::new("internal"))
    }

    pub(super) async fn once_more(&self, message: i64) -> Result<(), ErrorView> {
        let ready = self.ready()?;
        ready
            .database
            .write(move |tx| messages::retry(tx, message))
            .await?;
        ready.delivery.hurry();
        Ok(())
    }

    pub(super) async fn seen(&self, conversation: &str) -> Result<(), ErrorView> {
        let id = known(conversation)?;
        Ok(self
            .ready()?
            .database
            .write(move |tx| history::mark_read(tx, &id))
            .await?)
    }

    pub(super) fn reached(&self) -> ConnectionView {
        match self.ready() {
            Ok(ready) => ready.delivery.connection().borrow().clone(),
            Err(_) => ConnectionView {
                state: ConnectionState::Offline,
                error: None,
            },
        }
    }

    /// Someone who writes wants to know now whether the network is back.
    pub(super) fn hurry(&self, ready: &Ready, waits: bool) {
        let connection = ready.delivery.connection();
        let offline = connection.borrow().state == ConnectionState::Offline;
        if offline || waits {
            ready.delivery.hurry();
        }
    }
}

fn line(ready: &Ready, conversation: &Conversation) -> ConversationView {
    let received = conversation.last.as_ref().filter(|last| !last.mine());
    let writing = ready.delivery.writing();
    let typing = writing.is_shown(&conversation.id, received.map(|last| last.at));
    present::conversation(conversation, typing)
}

pub(super) fn known(conversation: &str) -> Result<ConversationId, ErrorView> {
    ConversationId::from_hex(conversation).ok_or_else(|| EngineError::UnknownConversation.into())
}

/// A waiting message shows why the conversation waits.
pub(super) fn presented(
    tx: &ReadTx<'_>,
    messages: &[Message],
) -> Result<Vec<MessageView>, crate::db::DbError> {
    let mut views = Vec::with_capacity(messages.len());
    let mut waits_for: Option<(ConversationId, Option<String>)> = None;
    for message in messages {
        let id = message.conversation;
        if waits_for.as_ref().is_none_or(|(known, _)| *known != id) {
            let found = history::conversation(tx, &id)?;
            let why = found.and_then(|it| match it.hold {
                Some((hold, _)) => Some(hold.code),
                None => it.peer.last_error,
            });
            waits_for = Some((id, why));
        }
        let code = waits_for.as_ref().and_then(|(_, code)| code.as_deref());
        let attachments = history::attachments(tx, message.id)?;
        views.push(present::message(message, &attachments, code));
    }
    Ok(views)
}
