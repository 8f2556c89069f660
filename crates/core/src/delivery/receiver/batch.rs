//! One batch of deliveries, one transaction.

use super::acquaintance::Acquaintance;
use super::introductions::ack;
use crate::db::{Peer, WriteTx, peers};
use crate::delivery::Context;
use crate::messages::EngineError;
use crate::messages::{Incoming, Source};
use crate::messages::{receive, renew};
use sotto_identity::verify::Pin;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::relay_api::{Ack, Delivery, MailboxKey};
use sotto_wire::roster::VerifiedRoster;

/// A delivery with everything that its processing needs.
pub(super) struct Ready {
    ack: Ack,
    incoming: Option<Incoming>,
    /// To be stored before its envelope is read.
    sender: Option<Peer>,
    devices: Option<VerifiedRoster>,
}

impl Ready {
    /// A sealed frame.
    pub(super) fn from_grant(delivery: Delivery) -> Self {
        let ack = ack(&delivery);
        let MailboxKey::Grant(address) = delivery.k else {
            return Self {
                ack,
                incoming: None,
                sender: None,
                devices: None,
            };
        };
        let source = Source::Grant(address);
        let incoming = Incoming {
            relay_id: delivery.id,
            source,
            bytes: delivery.m,
        };
        Self {
            ack,
            incoming: Some(incoming),
            sender: None,
            devices: None,
        }
    }

    /// An envelope of a sender who was verified just now.
    pub(super) fn introduced(
        delivery: Delivery,
        envelope: UnverifiedEnvelope,
        met: &Acquaintance,
    ) -> Self {
        let sender = met.peer.clone();
        Self {
            sender: Some(sender.clone()),
            devices: met.devices.clone(),
            ..Self::recognised(delivery, envelope, sender.pin)
        }
    }

    /// An envelope of a sender who is stored already.
    pub(super) fn recognised(delivery: Delivery, envelope: UnverifiedEnvelope, pin: Pin) -> Self {
        let (ack, pin) = (ack(&delivery), Box::new(pin));
        let source = Source::DidMailbox {
            sender: pin,
            envelope: Box::new(envelope),
        };
        let incoming = Incoming {
            relay_id: delivery.id,
            source,
            bytes: delivery.m,
        };
        Self {
            ack,
            incoming: Some(incoming),
            sender: None,
            devices: None,
        }
    }
}

fn introduce(
    tx: &WriteTx<'_>,
    sender: &Peer,
    devices: Option<&VerifiedRoster>,
) -> Result<(), EngineError> {
    let peer = peers::upsert(tx, sender)?;
    if let Some(roster) = devices {
        renew::remember(tx, peer, roster)?;
    }
    Ok(())
}

/// Keeps what came from peers whose key has changed, for the user to decide; says what to
/// acknowledge.
pub(super) async fn keep(context: &Context, held: Vec<Delivery>) -> Result<Vec<Ack>, EngineError> {
    let acks = held.iter().map(ack).collect();
    if held.is_empty() {
        return Ok(acks);
    }
    let write = context.database.write::<_, EngineError>(move |tx| {
        for delivery in &held {
            if let Ok(envelope) = UnverifiedEnvelope::parse(&delivery.m) {
                receive::keep_for_later(tx, envelope.from(), &delivery.m)?;
            }
        }
        Ok(())
    });
    write.await?;
    Ok(acks)
}

/// Processes a batch and says what to acknowledge to the relay, now that it is committed.
pub(super) async fn store(context: &Context, ready: Vec<Ready>) -> Result<Vec<Ack>, EngineError> {
    let (mut acks, mut incoming) = (Vec::new(), Vec::new());
    let mut senders: Vec<(Peer, Option<VerifiedRoster>)> = Vec::new();
    for Ready {
        ack,
        incoming: envelope,
        sender,
        devices,
    } in ready
    {
        acks.push(ack);
        incoming.extend(envelope);
        let known = |peer: &Peer| senders.iter().any(|(it, _)| it.pin.did == peer.pin.did);
        if let Some(sender) = sender.filter(|peer| !known(peer)) {
            senders.push((sender, devices));
        }
    }
    if incoming.is_empty() {
        return Ok(acks);
    }
    let first_contact = incoming
        .iter()
        .any(|it| matches!(it.source, Source::DidMailbox { .. }));
    let write = context.database.write(move |tx| {
        for (sender, devices) in &senders {
            introduce(tx, sender, devices.as_ref())?;
        }
        receive::batch(tx, &incoming)
    });
    write.await?;
    if first_contact {
        // A key package has probably been used.
        context.look_after.notify_one();
    }
    Ok(acks)
}
