//! "…is writing": told at most every few seconds, shown for a few more, and never stored
//! (docs/protocol.md §5.4).

use super::Context;
use crate::db::{Change, Database};
use crate::messages::{EngineError, seal};
use crate::outbox::{Put, Route};
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// At most so often a peer is told.
const EVERY: Duration = Duration::from_secs(5);
/// How long a peer is shown as writing after it said so.
const SHOWN: Duration = Duration::from_secs(10);
/// What takes longer has lost its sense.
const WITHIN: Duration = Duration::from_secs(5);

/// Who is writing at this moment.
#[derive(Default)]
pub(crate) struct Typing {
    told: Mutex<HashMap<ConversationId, Instant>>,
    /// When it was heard: by the runtime's clock, and milliseconds since 1970.
    heard: Mutex<HashMap<ConversationId, (Instant, u64)>>,
}

impl Typing {
    /// Whether the peer is to be shown as writing; `last_message` is when its last message arrived.
    pub(crate) fn is_shown(
        &self,
        conversation: &ConversationId,
        last_message: Option<u64>,
    ) -> bool {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get(conversation).is_some_and(|(at, ms)| {
            at.elapsed() < SHOWN && last_message.is_none_or(|message| message < *ms)
        })
    }

    /// The peer says that it is writing. Announced now, and again when that is over.
    pub(super) fn heard(&self, database: &Database, peer: ConversationId, now_ms: u64) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.retain(|_, (at, _)| at.elapsed() < SHOWN);
        heard.insert(peer, (Instant::now(), now_ms));
        drop(heard);
        database.announce(Change::Conversations(vec![peer]));
        let database = database.clone();
        tokio::spawn(async move {
            tokio::time::sleep(SHOWN).await;
            database.announce(Change::Conversations(vec![peer]));
        });
    }

    /// Whether it is time to tell a peer (again); if so, that is noted.
    fn is_due(&self, conversation: &ConversationId) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| at.elapsed() < EVERY);
        if told.contains_key(conversation) {
            return false;
        }
        told.insert(*conversation, Instant::now());
        true
    }
}

/// Tells a peer that something is being written to it, if that is wanted and possible right now.
pub(super) async fn tell(
    context: Arc<Context>,
    conversation: ConversationId,
) -> Result<(), EngineError> {
    if !context.typing.is_due(&conversation) {
        return Ok(());
    }
    let write = context
        .database
        .write(move |tx| seal::typing(tx, &conversation));
    let puts = write.await?;
    let put = futures_util::future::join_all(puts.into_iter().map(|it| put(&context, it)));
    // Whatever comes of it: it is not tried again.
    let _ = tokio::time::timeout(WITHIN, put).await;
    Ok(())
}

async fn put(context: &Context, put: Put) {
    if let Route::Grant { host, address, key } = &put.route {
        let outcome = context
            .relays
            .put_at_grant(host, address, key, put.bytes)
            .await;
        if let Err(error) = outcome {
            tracing::debug!(%error, "a peer was not told that something is being written");
        }
    }
}

/// Shows an account as writing.
pub(super) fn note(context: &Context, from: &Did) {
    let conversation = ConversationId::of(&context.own.did, from);
    context
        .typing
        .heard(&context.database, conversation, context.clock.now_ms());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::acquainted;

    #[tokio::test(start_paused = true)]
    async fn a_peer_is_told_at_most_every_five_seconds_and_shown_for_ten() {
        let (alice, bob) = acquainted();
        let (typing, id) = (Typing::default(), alice.start(&bob));
        assert!(typing.is_due(&id));
        assert!(!typing.is_due(&id));
        tokio::time::advance(Duration::from_millis(5001)).await;
        assert!(typing.is_due(&id));

        let mut changes = alice.db().changes();
        typing.heard(alice.db(), id, 1000);
        assert_eq!(changes.recv().await, Ok(Change::Conversations(vec![id])));
        assert!(typing.is_shown(&id, None) && typing.is_shown(&id, Some(999)));
        assert!(!typing.is_shown(&id, Some(1000)), "what it wrote is here");
        assert_eq!(changes.recv().await, Ok(Change::Conversations(vec![id])));
        assert!(!typing.is_shown(&id, None));
    }
}
