//! Message requests and the policy behind them (docs/protocol.md §3.5).

use super::phase::Ready;
use super::{App, Inner, present};
use crate::account::set_up::SetUp;
use crate::db::{Database, Peer, incoming, peers};
use crate::discovery::{Discovery, DiscoveryError};
use crate::messages::{EngineError, requests};
use crate::views::{ConversationView, ErrorView, IncomingPolicy, PolicyView, RequestsView};
use sotto_wire::claim::Incoming;
use sotto_wire::conversation::ConversationId;
use sotto_wire::did::Did;
use sotto_wire::relay_api::Adjudication;
use std::sync::Arc;

impl App {
    pub(super) async fn waiting(&self) -> Result<RequestsView, ErrorView> {
        let ready = self.ready()?;
        let read = ready.database.read(|tx| {
            let waiting = requests::list(tx)?;
            Ok::<_, crate::db::DbError>(RequestsView {
                requests: waiting.iter().map(present::request).collect(),
                dropped: incoming::dropped(tx)?,
            })
        });
        Ok(read.await?)
    }

    pub(super) async fn let_in(&self, request: &str) -> Result<ConversationView, ErrorView> {
        let (ready, id) = (self.ready()?, known(request)?);
        let write = ready.database.write(move |tx| requests::accept(tx, &id));
        let sender = write.await?.ok_or(EngineError::UnknownConversation)?;
        ready.delivery.hurry();
        introduce(&ready, sender);
        self.one(request)
            .await?
            .ok_or_else(|| ErrorView::new("internal"))
    }

    pub(super) async fn turn_away(&self, request: &str) -> Result<(), ErrorView> {
        let (ready, id) = (self.ready()?, known(request)?);
        let write = ready.database.write(move |tx| requests::decline(tx, &id));
        let sender = write.await?.ok_or(EngineError::UnknownConversation)?;
        silence(&ready, sender);
        Ok(())
    }

    pub(super) async fn reachable(&self) -> Result<PolicyView, ErrorView> {
        let ready = self.ready()?;
        let policy = ready.database.read(|tx| incoming::policy(tx)).await?;
        Ok(PolicyView {
            incoming: present::policy(policy.incoming),
            published: policy.published,
        })
    }

    pub(super) async fn choose(&self, policy: IncomingPolicy) -> Result<PolicyView, ErrorView> {
        let _turn = self.inner.turn.lock().await;
        let ready = self.ready()?;
        let policy = match policy {
            IncomingPolicy::None => Incoming::None,
            IncomingPolicy::Following => Incoming::Following,
            IncomingPolicy::Everyone => Incoming::Everyone,
        };
        // What the user wants counts here, whatever becomes of publishing it.
        ready
            .database
            .write(move |tx| incoming::choose(tx, policy))
            .await?;
        self.inner.publish(&ready).await?;
        self.reachable().await
    }
}

impl Inner {
    async fn publish(&self, ready: &Ready) -> Result<(), ErrorView> {
        let set_up = self.publisher(ready).await?;
        Ok(set_up.publish_policy().await?)
    }

    async fn publisher(&self, ready: &Ready) -> Result<SetUp, ErrorView> {
        let vault = self
            .vault
            .get()
            .ok_or_else(|| ErrorView::new("keyring.locked"))?;
        let session = self.oauth(vault).restore(&ready.current.did).await?;
        Ok(self.set_up_of(&ready.current, session, ready.database.clone()))
    }

    /// Publishes a policy that was chosen and not published before the last end, in the background.
    pub(super) fn publish_later(self: &Arc<Self>, ready: &Arc<Ready>) {
        let (inner, ready) = (Arc::clone(self), Arc::clone(ready));
        let stop = ready.stop.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            let stored = ready.database.read(|tx| incoming::policy(tx)).await;
            if !matches!(&stored, Ok(policy) if !policy.published) {
                return;
            }
            let _turn = inner.turn.lock().await;
            if let Err(error) = inner.publish(&ready).await {
                tracing::warn!(code = error.code, "the policy is not published yet");
            }
        }));
    }
}

/// Looks up the name and picture of someone who was let in; before that, the account's server
/// would have learned that someone looks.
fn introduce(ready: &Ready, sender: Did) {
    let (discovery, database) = (ready.discovery.clone(), ready.database.clone());
    let stop = ready.stop.clone();
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        if let Err(error) = look_up(&discovery, &database, &sender).await {
            tracing::info!(code = error.code(), "a profile could not be looked up");
        }
    }));
}

async fn look_up(
    discovery: &Discovery,
    database: &Database,
    sender: &Did,
) -> Result<(), DiscoveryError> {
    let verified = discovery.verified(sender).await?;
    let found = discovery.peer(verified).await;
    database
        .write::<_, crate::db::DbError>(move |tx| {
            let Some(known) = peers::by_did(tx, &found.pin.did)? else {
                return Ok(());
            };
            let peer = Peer {
                handle: known.handle,
                last_error: known.last_error,
                ..found
            };
            peers::upsert(tx, &peer).map(drop)
        })
        .await?;
    Ok(())
}

/// Has the relay drop what this sender puts next, for its hour.
fn silence(ready: &Ready, sender: Did) {
    let (discovery, stop) = (ready.discovery.clone(), ready.stop.clone());
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        let decision = Adjudication {
            discard: vec![sender],
            ..Adjudication::default()
        };
        let domain = &discovery.own.domain;
        if let Err(error) = discovery.relays.adjudicate(domain, &decision).await {
            tracing::info!(code = error.code(), "the relay was not told of a refusal");
        }
    }));
}

fn known(request: &str) -> Result<ConversationId, ErrorView> {
    ConversationId::from_hex(request).ok_or_else(|| EngineError::UnknownConversation.into())
}
