//! Senders of first contacts, verified before anything of theirs is read (docs/protocol.md §4.5).
//!
//! That takes as long as a stranger's server likes. Meanwhile the stranger's envelopes wait, and
//! nothing else does. A sender who was verified before, and whose device is certified by the key
//! found then, does not wait: frames by a grant, which need no introduction, must not overtake its
//! envelopes.

use super::batch::Ready;
use crate::db::Peer;
use crate::delivery::{Context, standing};
use crate::discovery::DiscoveryError;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use sotto_identity::verify::{Pin, VerifyError};
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
        peer: Box<Peer>,
        until: Instant,
    },
    /// Proved not to be what it says.
    Refused,
}

pub(super) struct Introductions {
    context: Arc<Context>,
    known: HashMap<Did, Known>,
    waiting: HashMap<Did, Vec<Delivery>>,
    under_way: FuturesUnordered<BoxFuture<'static, (Did, Result<Peer, DiscoveryError>)>>,
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
            Some(Known::Verified { peer, until }) if *until > Instant::now() => {
                sorted
                    .ready
                    .push(Ready::introduced(delivery, envelope, peer));
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
            let met = tokio::time::timeout(PATIENCE, meet(&context, &sender)).await;
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
                Ok(peer) => Known::Verified {
                    peer: Box::new(peer),
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

/// The sender as it is stored, if its device is certified by the key stored with it.
async fn recognised(context: &Context, envelope: &UnverifiedEnvelope) -> Option<Pin> {
    let pin = context.discovery.known(envelope.from()).await.ok()??.pin;
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
    let noted = standing::note(&context.database, conversation, sender, code).await;
    if let Err(error) = noted {
        tracing::error!(%error, "a sender's refusal could not be noted");
    }
}

/// A peer as it is stored: with its profile where it is new.
async fn meet(context: &Context, sender: &Did) -> Result<Peer, DiscoveryError> {
    let discovery = &context.discovery;
    match discovery.known(sender).await? {
        Some(known) => {
            let pin = discovery.verified(sender).await?.pin();
            let verified_at = context.clock.now_ms();
            Ok(Peer {
                pin,
                verified_at,
                last_error: None,
                ..known
            })
        }
        None => Ok(discovery.peer(discovery.met(sender).await?).await),
    }
}

pub(super) fn ack(delivery: &Delivery) -> Ack {
    Ack {
        k: delivery.k.clone(),
        id: delivery.id.clone(),
    }
}
