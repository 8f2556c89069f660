//! Finding messages, reading on from there, and drafts.

use super::reading::{MAX_PAGE, known, presented};
use super::{App, present};
use crate::db::{DbError, ReadTx};
use crate::messages::{Message, around, drafts, search};
use crate::views::{ErrorView, MarkView, MessageView, SearchHitView, SearchView};
use sotto_wire::conversation::ConversationId;

/// Messages of a conversation beside one of them, at most so many.
type Page = fn(&ReadTx<'_>, &ConversationId, i64, u32) -> Result<Vec<Message>, DbError>;

impl App {
    pub(super) async fn find(
        &self,
        text: String,
        conversation: Option<String>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<SearchView, ErrorView> {
        let ready = self.ready()?;
        let conversation = conversation.as_deref().map(known).transpose()?;
        let query = search::Query {
            text,
            conversation,
            before,
            limit,
        };
        let found = search::search(&ready.database, query).await?;
        Ok(SearchView {
            hits: found.hits.into_iter().map(hit).collect(),
            more: found.more,
        })
    }

    pub(super) async fn page_around(
        &self,
        conversation: &str,
        message: i64,
        limit: u32,
    ) -> Result<Vec<MessageView>, ErrorView> {
        self.beside(conversation, (message, limit), around::around)
            .await
    }

    pub(super) async fn page_after(
        &self,
        conversation: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<MessageView>, ErrorView> {
        self.beside(conversation, (after, limit), around::after)
            .await
    }

    async fn beside(
        &self,
        conversation: &str,
        (message, limit): (i64, u32),
        page: Page,
    ) -> Result<Vec<MessageView>, ErrorView> {
        let Some(id) = ConversationId::from_hex(conversation) else {
            return Ok(Vec::new());
        };
        let limit = limit.min(MAX_PAGE);
        let read = self.ready()?.database.clone();
        let read = read.read(move |tx| {
            let messages = page(tx, &id, message, limit)?;
            presented(tx, &messages)
        });
        Ok(read.await?)
    }

    pub(super) async fn keep_draft(
        &self,
        conversation: &str,
        text: String,
    ) -> Result<(), ErrorView> {
        let id = known(conversation)?;
        let database = self.ready()?.database.clone();
        Ok(database
            .write(move |tx| drafts::save(tx, &id, &text))
            .await?)
    }
}

fn hit(hit: search::Hit) -> SearchHitView {
    let mark = |mark: &search::Mark| MarkView {
        start: mark.start,
        end: mark.end,
    };
    SearchHitView {
        message_id: hit.message,
        conversation_id: hit.conversation.hex(),
        mine: hit.mine,
        sent_at: present::signed(hit.at),
        marks: hit.snippet.marks.iter().map(mark).collect(),
        snippet: hit.snippet.text,
    }
}
