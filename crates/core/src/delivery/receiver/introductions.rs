//! Senders of first contacts, verified before anything of theirs is read (docs/protocol.md §4.5).
//!
//! That takes as long as a stranger's server likes. Meanwhile the stranger's envelopes wait, and
//! nothing else does. A sender who was verified before, and whose device is certified by the key
//! found then, does not wait: frames by a grant, which need no introduction, must not overtake its
//! envelopes.

use super::acquaintance::{Acquaintance, held, is_followed, let_go, meet, recognised};
use super::batch::Ready;
use crate::delivery::Context;
use crate::discovery::DiscoveryError;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use sotto_identity::verify::VerifyError;
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
/// The envelopes that waited for a verification are looked at right after it.
const JUST_NOW: Duration = Duration::from_secs(5);
const TRY_AGAIN: Duration = Duration::from_secs(30);
/// Senders verified at the same time; the rest is left with the relay, which delivers it again with
/// the next connection.
const MAX_WAITING: usize = 64;
/// Verified senders that are remembered.
const MAX_KNOWN: usize = 256;

/// Deliveries, sorted by what is to be done with them.
pub(super) struct Sorted {
    /// Can be processed now.
    pub(super) ready: Vec<Ready>,
    /// Will never be: acknowledged, so that they do not come again.
    pub(super) hopeless: Vec<Ack>,
    /// Of peers whose key has changed: for the user to decide.
    pub(super) held: Vec<Delivery>,
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
        met: Box<Acquaintance>,
        at: Instant,
    },
    /// Proved not to be what it says.
    Refused,
    /// Known under another key, which does not vouch for this one.
    KeyChanged {
        until: Instant,
    },
}

pub(super) struct Introductions {
    context: Arc<Context>,
    known: HashMap<Did, Known>,
    waiting: HashMap<Did, Vec<Delivery>>,
    /// Something was left with the relay, as too many were waiting.
    left: bool,
    under_way: FuturesUnordered<BoxFuture<'static, (Did, Result<Acquaintance, DiscoveryError>)>>,
}

impl Introductions {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            known: HashMap::new(),
            waiting: HashMap::new(),
            left: false,
            under_way: FuturesUnordered::new(),
        }
    }

    /// Sorts deliveries in their order, and begins to verify whom it does not know.
    pub(super) async fn sort(&mut self, deliveries: Vec<Delivery>) -> Sorted {
        let mut sorted = Sorted {
            ready: Vec::new(),
            hopeless: Vec::new(),
            held: Vec::new(),
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
        // Every certificate would be taken for expired. Left with the relay; the connection is made
        // anew when the clock is set.
        if self.context.relays.clock_is_wrong() {
            return;
        }
        let own = &self.context.own.did;
        let envelope = UnverifiedEnvelope::parse(&delivery.m).ok();
        let envelope = envelope.filter(|it| it.to() == own && it.from() != own);
        let Some(envelope) = envelope else {
            tracing::warn!(code = "frame.invalid", "a first contact was refused");
            sorted.hopeless.push(ack(&delivery));
            return;
        };
        let (sender, now) = (envelope.from().clone(), self.context.clock.now());
        // Who is held back is verified again, however lately that was done: it may have come back.
        let held = held(&self.context, &sender).await.unwrap_or(false);
        match self.known.get(&sender) {
            Some(Known::Refused) => sorted.hopeless.push(ack(&delivery)),
            Some(Known::KeyChanged { until }) if *until > Instant::now() => {
                sorted.held.push(delivery);
            }
            // A certificate that does not fit may be one under a newer key.
            // Who was met for it just now is not met again: what does not fit then is refused.
            Some(Known::Verified { met, at })
                if !held
                    && (at.elapsed() < JUST_NOW
                        || at.elapsed() < FRESH && met.vouches_for(&envelope, now)) =>
            {
                sorted
                    .ready
                    .push(Ready::introduced(delivery, envelope, met));
            }
            _ if held => self.introduce(sender, envelope.cert().to_vec(), delivery),
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
                None => self.introduce(sender, envelope.cert().to_vec(), delivery),
            },
        }
    }

    fn introduce(&mut self, sender: Did, shown: Vec<u8>, delivery: Delivery) {
        if let Some(waiting) = self.waiting.get_mut(&sender) {
            waiting.push(delivery);
        } else if self.waiting.len() < MAX_WAITING {
            self.waiting.insert(sender.clone(), vec![delivery]);
            self.begin(sender, shown, Duration::ZERO);
        } else {
            self.left = true;
        }
    }

    /// Whether there is room for what was left with the relay.
    pub(super) fn has_room_again(&self) -> bool {
        self.left && self.waiting.len() < MAX_WAITING / 2
    }

    /// `shown` is the certificate of the first of the sender's envelopes.
    fn begin(&mut self, sender: Did, shown: Vec<u8>, after: Duration) {
        let context = Arc::clone(&self.context);
        let meeting = async move {
            tokio::time::sleep(after).await;
            // The own server's slowness is not the sender's: it has its own time.
            let followed = is_followed(&context, &sender).await;
            let meeting = meet(&context, &sender, &shown, followed);
            let met = tokio::time::timeout(PATIENCE, meeting).await;
            // Too slow is unreachable.
            let temporary = VerifyError::PdsUnreachable;
            let met = met.unwrap_or_else(|_| Err(DiscoveryError::Verify(temporary)));
            (sender, met)
        };
        self.under_way.push(meeting.boxed());
    }

    fn begin_again(&mut self, sender: Did) {
        let first = self
            .waiting
            .get(&sender)
            .and_then(|waiting| waiting.first());
        let shown = first.and_then(|delivery| UnverifiedEnvelope::parse(&delivery.m).ok());
        if let Some(shown) = shown.map(|envelope| envelope.cert().to_vec()) {
            self.begin(sender, shown, TRY_AGAIN);
        }
    }

    /// The next sender whose verification is over, one way or the other.
    pub(super) async fn next(&mut self) -> Met {
        loop {
            let Some((sender, outcome)) = self.under_way.next().await else {
                return std::future::pending().await;
            };
            let known = match outcome {
                Ok(met) => {
                    if let Err(error) = let_go(&self.context, &sender).await {
                        tracing::error!(%error, "a peer could not be let go");
                    }
                    Known::Verified {
                        met: Box::new(met),
                        at: Instant::now(),
                    }
                }
                Err(error) if error.is_temporary() => {
                    tracing::info!(code = error.code(), "a sender is verified later");
                    self.begin_again(sender);
                    continue;
                }
                Err(error) => {
                    tracing::warn!(code = error.code(), "a sender was refused");
                    // A peer that no longer verifies shows so at its conversation.
                    if let Err(error) = self.context.discovery.hold_back(&sender, &error).await {
                        tracing::error!(%error, "a sender's refusal could not be noted");
                    }
                    match error {
                        DiscoveryError::Verify(VerifyError::KeyChanged) => {
                            let until = Instant::now() + TRY_AGAIN;
                            Known::KeyChanged { until }
                        }
                        _ => Known::Refused,
                    }
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

pub(super) fn ack(delivery: &Delivery) -> Ack {
    Ack {
        k: delivery.k.clone(),
        id: delivery.id.clone(),
    }
}
