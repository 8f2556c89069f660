//! Content about a message that has not arrived: kept until it does, bounded.

use super::apply::{self, Event};
use crate::db::{DbError, WriteTx};
use rusqlite::params;
use sotto_wire::content::{Content, MessageId};
use std::collections::HashSet;

/// What is kept of one conversation.
const MAX_KEPT: u64 = 256;
/// How long it is kept: as long as the message it is about may still come (docs/protocol.md §3.3), in milliseconds.
const KEPT: u64 = 30 * 24 * 60 * 60 * 1000;

/// Which messages something is kept for; read once for many messages.
#[derive(Default)]
pub(in crate::messages) struct Early(Option<HashSet<MessageId>>);

impl Early {
    fn known(&mut self, tx: &WriteTx<'_>) -> Result<&mut HashSet<MessageId>, DbError> {
        if self.0.is_none() {
            let mut statement = tx.prepare_cached("SELECT DISTINCT target FROM early_content")?;
            let targets = statement.query_map([], |row| row.get(0))?;
            self.0 = Some(targets.collect::<Result<_, _>>()?);
        }
        Ok(self.0.get_or_insert_default())
    }

    /// Keeps content until the message it is about arrives.
    pub(super) fn keep(
        &mut self,
        tx: &WriteTx<'_>,
        event: &Event<'_>,
        target: &MessageId,
    ) -> Result<(), DbError> {
        self.known(tx)?.insert(*target);
        tx.prepare_cached(
            "INSERT INTO early_content (conversation, target, mimi_id, place, content, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            event.conversation,
            target,
            event.mimi_id,
            event.place,
            event.bytes,
            tx.clock_now_ms()
        ])?;
        tx.prepare_cached(
            "DELETE FROM early_content WHERE conversation = ?1 AND id <=
               (SELECT id FROM early_content WHERE conversation = ?1
                ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![event.conversation, MAX_KEPT])?;
        Ok(())
    }

    /// A message has arrived: what was said of it counts.
    pub(in crate::messages) fn arrived(
        &mut self,
        tx: &WriteTx<'_>,
        conversation: i64,
        message: &MessageId,
    ) -> Result<(), DbError> {
        if !self.known(tx)?.remove(message) {
            return Ok(());
        }
        let mut statement = tx.prepare_cached(
            "DELETE FROM early_content WHERE conversation = ?1 AND target = ?2
             RETURNING place, mimi_id, content",
        )?;
        let mut kept = statement
            .query_map(params![conversation, message], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<Vec<(i64, MessageId, Vec<u8>)>, _>>()?;
        kept.sort_unstable();
        for (place, mimi_id, bytes) in &kept {
            let content = Content::decode(bytes).map_err(|_| DbError::Stored("content"))?;
            let event = Event {
                conversation,
                mimi_id,
                place: *place,
                content: &content,
                bytes,
            };
            apply::by_peer(tx, &event, self)?;
        }
        Ok(())
    }
}

/// A reaction that was kept is withdrawn.
pub(super) fn withdraw(tx: &WriteTx<'_>, reaction: &MessageId) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM early_content WHERE mimi_id = ?1")?
        .execute([reaction])?;
    Ok(())
}

/// Forgets what is about messages that will not come any more.
pub(in crate::messages) fn forget(tx: &WriteTx<'_>) -> Result<(), DbError> {
    let before = tx.clock_now_ms().saturating_sub(KEPT);
    tx.execute("DELETE FROM early_content WHERE at < ?1", [before])?;
    Ok(())
}
