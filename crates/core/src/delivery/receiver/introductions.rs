//! Senders of first contacts, verified before anything of theirs is read (docs/protocol.md §4.5).
//!
//! That takes as long as a stranger's server likes. Meanwhile the stranger's envelopes wait, and
//! nothing else does. A sender who was verified before, and whose device is certified by the key
//! found then, does not wait: frames by a grant, which need no introduction, must not overtake its
//! envelopes.

use super::batch::Ready;
use crate::db::{DbError, Peer, incoming};
use crate::delivery::Context;
use crate::delivery::standing as noted;
use crate::discovery::DiscoveryError;
use crate::messages::requests::{self, Standing};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use sotto_identity::verify::{Pin, VerifyError};
use sotto_wire::claim::Incoming;
use sotto_wire::conversation::ConversationId;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::did::Did;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::relay_api::{Ack, Delivery, MailboxKey};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Document, record and profile together.
const PATIENCE: Duration = Duration::from_secs(30);
/// A verification counts this long for further envelopes of the same sender.
const FRESH: Duration = Duration::from_secs(5 * 60);
const TRY_AGAIN: Duration = Duration::from_secs(30);
/// Senders verified at the same time; the rest is delivered again with the next connection.
const MAX_WAITING: usize = 64;
/// Verified senders that are remembered.
const MAX_KNOWN: usize = 256;

/// Deliveries, sorted by what is to be done with them.
pub(super) struct Sorted {
    /// Can be processed now.
    pub(super) ready: Vec<Ready>,
    /// Will never be: acknowledged, so that they do not come again.
    pub(super) hopeless: Vec<Ack>,
}

/// A sender whose verification is over.
pub(super) struct Met(Vec<Delivery>);

impl Met {
    /// What waited for it.
    pub(super) fn into_batch(self) -> Vec<Delivery> {
        self.0
    }
}

enum Known {
    Verified {
        sender: Introduced,
        until: Instant,
    },
    /// Proved not to be what it says.
    Refused,
}

/// A verified sender.
struct Introduced {
    peer: Box<Peer>,
    /// Whether the own account was proved to follow it; asked where the policy is *following*.
    followed: bool,
}

pub(super) struct Introductions {
    context: Arc<Context>,
    known: HashMap<Did, Known>,
    waiting: HashMap<Did, Vec<Delivery>>,
    under_way: FuturesUnordered<BoxFuture<'static, (Did, Result<Introduced, DiscoveryError>)>>,
}

impl Introductions {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            known: HashMap::new(),
            waiting: HashMap::new(),
            under_way: FuturesUnordered::new(),
        }
    }

    /// Sorts deliveries in their order, and begins to verify whom it does not know.
    pub(super) async fn sort(&mut self, deliveries: Vec<Delivery>) -> Sorted {
        let mut sorted = Sorted {
            ready: Vec::new(),
            hopeless: Vec::new(),
        };
        for delivery in deliveries {
            match &delivery.k {
                MailboxKey::Grant(_) => sorted.ready.push(Ready::from_grant(delivery)),
                MailboxKey::Did(_) => self.sort_envelope(delivery, &mut sorted).await,
            }
        }
        sorted
    }

    async fn sort_envelope(&mut self, delivery: Delivery, sorted: &mut Sorted) {
        let own = &self.context.own.did;
        let envelope = UnverifiedEnvelope::parse(&delivery.m).ok();
        let envelope = envelope.filter(|it| it.to() == own && it.from() != own);
        let Some(envelope) = envelope else {
            tracing::warn!(code = "frame.invalid", "a first contact was refused");
            sorted.hopeless.push(ack(&delivery));
            return;
        };
        let sender = envelope.from().clone();
        match self.known.get(&sender) {
            Some(Known::Refused) => sorted.hopeless.push(ack(&delivery)),
            Some(Known::Verified { sender, until }) if *until > Instant::now() => {
                let Introduced { peer, followed } = sender;
                let ready = Ready::introduced(delivery, envelope, peer, *followed);
                sorted.ready.push(ready);
            }
            _ => match recognised(&self.context, &envelope).await {
                Some(pin) => {
                    // The relay has verified another key: it may be wrong, or our pin old.
                    if delivery.kt.is_some_and(|kt| kt != pin.key.thumbprint()) {
                        self.context.suspects.add(&sender);
                    }
                    sorted
                        .ready
                        .push(Ready::recognised(delivery, envelope, pin));
                }
                None => self.introduce(sender, delivery),
            },
        }
    }

    fn introduce(&mut self, sender: Did, delivery: Delivery) {
        if let Some(waiting) = self.waiting.get_mut(&sender) {
            waiting.push(delivery);
        } else if self.waiting.len() < MAX_WAITING {
            self.waiting.insert(sender.clone(), vec![delivery]);
            self.begin(sender, Duration::ZERO);
        }
    }

    fn begin(&mut self, sender: Did, after: Duration) {
        let context = Arc::clone(&self.context);
        let meeting = async move {
            tokio::time::sleep(after).await;
            // The own server's slowness is not the sender's: it has its own time.
            let followed = is_followed(&context, &sender).await;
            let meeting = meet(&context, &sender, followed);
            let met = tokio::time::timeout(PATIENCE, meeting).await;
            // Too slow is unreachable.
            let temporary = VerifyError::PdsUnreachable;
            let met = met.unwrap_or_else(|_| Err(DiscoveryError::Verify(temporary)));
            if let Err(error) = &met {
                note(&context, &sender, error).await;
            }
            (sender, met)
        };
        self.under_way.push(meeting.boxed());
    }

    /// The next sender whose verification is over, one way or the other.
    pub(super) async fn next(&mut self) -> Met {
        loop {
            let Some((sender, outcome)) = self.under_way.next().await else {
                return std::future::pending().await;
            };
            let known = match outcome {
                Ok(sender) => Known::Verified {
                    sender,
                    until: Instant::now() + FRESH,
                },
                Err(error) if error.is_temporary() => {
                    tracing::info!(code = error.code(), "a sender is verified later");
                    self.begin(sender, TRY_AGAIN);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(code = error.code(), "a sender was refused");
                    Known::Refused
                }
            };
            if self.known.len() >= MAX_KNOWN {
                self.known.clear();
            }
            self.known.insert(sender.clone(), known);
            return Met(self.waiting.remove(&sender).unwrap_or_default());
        }
    }
}

/// The sender as it is stored, if its device is certified by the key stored with it, and if it is
/// known already whether the sender is let in.
async fn recognised(context: &Context, envelope: &UnverifiedEnvelope) -> Option<Pin> {
    let pin = context.discovery.known(envelope.from()).await.ok()??.pin;
    if standing(context, envelope.from()).await.ok()? == Standing::Stranger {
        return None;
    }
    let now = context.clock.now();
    DeviceCertificate::verify(envelope.cert(), &pin.key, envelope.from(), now).ok()?;
    Some(pin)
}

/// A peer that no longer verifies shows so at its conversation; a stranger has none.
async fn note(context: &Context, sender: &Did, error: &DiscoveryError) {
    if error.is_temporary() {
        return;
    }
    let conversation = ConversationId::of(&context.own.did, sender);
    let code = Some(error.code());
    let written = noted::note(&context.database, conversation, sender, code).await;
    if let Err(error) = written {
        tracing::error!(%error, "a sender's refusal could not be noted");
    }
}

async fn standing(context: &Context, sender: &Did) -> Result<Standing, DbError> {
    let sender = sender.clone();
    let read = context
        .database
        .read(move |tx| requests::standing(tx, &sender));
    read.await
}

/// Whether the own account is proved to follow a stranger, where that makes a difference.
async fn is_followed(context: &Context, sender: &Did) -> bool {
    policy(context).await == Some(Incoming::Following)
        && standing(context, sender).await.ok() == Some(Standing::Stranger)
        && context.discovery.follows(sender).await
}

async fn policy(context: &Context) -> Option<Incoming> {
    let read = context
        .database
        .read::<_, DbError>(|tx| incoming::policy(tx));
    Some(read.await.ok()?.incoming)
}

/// A peer as it is stored: where it is new and let in, with its profile.
async fn meet(
    context: &Context,
    sender: &Did,
    followed: bool,
) -> Result<Introduced, DiscoveryError> {
    let discovery = &context.discovery;
    let peer = match discovery.known(sender).await? {
        Some(known) => {
            let pin = discovery.verified(sender).await?.pin();
            let verified_at = context.clock.now_ms();
            Peer {
                pin,
                verified_at,
                last_error: None,
                ..known
            }
        }
        None => {
            let met = discovery.met(sender).await?;
            if followed || policy(context).await == Some(Incoming::Everyone) {
                discovery.peer(met).await
            } else {
                discovery.stranger(&met)
            }
        }
    };
    let peer = Box::new(peer);
    Ok(Introduced { peer, followed })
}

pub(super) fn ack(delivery: &Delivery) -> Ack {
    Ack {
        k: delivery.k.clone(),
        id: delivery.id.clone(),
    }
}
