//! One batch of deliveries, one transaction.

use super::acquaintance::Acquaintance;
use super::introductions::ack;
use crate::db::{DbError, Peer, WriteTx, holds, peers};
use crate::delivery::{Context, typing};
use crate::messages::EngineError;
use crate::messages::requests::{self, Arrival};
use crate::messages::{Incoming, Outcome, Source};
use crate::messages::{receive, renew};
use crate::views::ConnectionState;
use sotto_identity::verify::Pin;
use sotto_wire::did::Did;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::relay_api::{Ack, Delivery, MailboxKey};
use sotto_wire::roster::VerifiedRoster;

/// A delivery with everything that its processing needs.
pub(super) struct Ready {
    ack: Ack,
    arrival: Option<Arrival>,
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
                arrival: None,
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
        let followed = false;
        Self {
            ack,
            arrival: Some(Arrival { incoming, followed }),
            sender: None,
            devices: None,
        }
    }

    /// An envelope of a sender who was verified just now, and whom the own account was proved to
    /// follow or not.
    pub(super) fn introduced(
        delivery: Delivery,
        envelope: UnverifiedEnvelope,
        met: &Acquaintance,
    ) -> Self {
        let (sender, followed) = (met.peer.clone(), met.followed);
        let recognised = Self::recognised(delivery, envelope, sender.pin.clone());
        let arrival = recognised.arrival.map(|it| Arrival { followed, ..it });
        Self {
            sender: Some(sender),
            devices: met.devices.clone(),
            arrival,
            ..recognised
        }
    }

    /// An envelope of a sender with whom there is a conversation, or whose request waits.
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
        let followed = false;
        Self {
            ack,
            arrival: Some(Arrival { incoming, followed }),
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
    let (mut acks, mut arrivals) = (Vec::new(), Vec::new());
    let mut senders: Vec<(Peer, Option<VerifiedRoster>)> = Vec::new();
    for Ready {
        ack,
        arrival,
        sender,
        devices,
    } in ready
    {
        acks.push(ack);
        arrivals.extend(arrival);
        let known = |peer: &Peer| senders.iter().any(|(it, _)| it.pin.did == peer.pin.did);
        if let Some(sender) = sender.filter(|peer| !known(peer)) {
            senders.push((sender, devices));
        }
    }
    if arrivals.is_empty() {
        return Ok(acks);
    }
    let first_contact = arrivals
        .iter()
        .any(|it| matches!(it.incoming.source, Source::DidMailbox { .. }));
    // What was written while this device was away is over.
    let live = context.connection.borrow().state == ConnectionState::Online;
    let write = context.database.write(move |tx| {
        for (sender, devices) in &senders {
            introduce(tx, sender, devices.as_ref())?;
        }
        let processed = requests::arrive(tx, arrivals)?;
        Ok::<_, EngineError>((suspects(tx, &processed)?, writing(tx, &processed)?))
    });
    let (suspects, writing) = write.await?;
    for suspect in suspects {
        context.suspects.add(&suspect);
    }
    for from in writing.iter().filter(|_| live) {
        typing::note(context, from);
    }
    if first_contact {
        // A key package has probably been used.
        context.look_after.notify_one();
    }
    Ok(acks)
}

/// Peers who are writing something, but for those who are held back.
fn writing(tx: &WriteTx<'_>, processed: &[(Incoming, Outcome)]) -> Result<Vec<Did>, DbError> {
    let mut writing = Vec::new();
    for (envelope, outcome) in processed {
        let (Outcome::Typing, Source::Grant(address)) = (outcome, &envelope.source) else {
            continue;
        };
        let Some(did) = peers::by_grant(tx, address)? else {
            continue;
        };
        let held = match peers::id_of(tx, &did)? {
            Some(peer) => holds::of(tx, peer)?.is_some(),
            None => true,
        };
        if !held && !writing.contains(&did) {
            writing.push(did);
        }
    }
    Ok(writing)
}

/// Peers with a device that is not certified by the key they are known by: it may have changed.
fn suspects(tx: &WriteTx<'_>, processed: &[(Incoming, Outcome)]) -> Result<Vec<Did>, DbError> {
    let uncertified = processed
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Quarantined("certificate.invalid")));
    let mut suspects = Vec::new();
    for (envelope, _) in uncertified {
        match &envelope.source {
            Source::Grant(address) => suspects.extend(peers::by_grant(tx, address)?),
            Source::DidMailbox { sender, .. } => suspects.push(sender.did.clone()),
        }
    }
    Ok(suspects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::content::{Receipts, set_receipts};
    use crate::messages::seal;
    use crate::testing::{Party, acquainted};

    #[test]
    fn a_peer_is_writing_unless_it_is_held_back() {
        let (alice, mut bob) = acquainted();
        let (id, did) = (alice.start(&bob), alice.own.did.clone());
        let told = Receipts {
            read: true,
            typing: true,
        };
        alice.write(move |tx| set_receipts(tx, told));
        let typed = |bob: &Party| {
            let put = alice.write(move |tx| seal::typing(tx, &id)).remove(0);
            let incoming = alice.delivery(&put);
            let followed = false;
            bob.write(move |tx| {
                let arrival = Arrival { incoming, followed };
                let processed = requests::arrive(tx, vec![arrival])?;
                Ok::<_, EngineError>(writing(tx, &processed)?)
            })
        };
        assert_eq!(typed(&bob), std::slice::from_ref(&did));
        let hold = holds::Hold {
            code: "account.key_changed".into(),
            key: None,
        };
        let held = did.clone();
        bob.write(move |tx| holds::refuse(tx, &held, &hold));
        assert!(typed(&bob).is_empty());
        // A message is no typing.
        alice.say(&bob, "by a grant");
        alice.send(&mut bob);
        let incoming = std::mem::take(&mut bob.queue);
        let processed: Vec<_> = incoming
            .into_iter()
            .map(|it| (it, Outcome::Message(1)))
            .collect();
        assert!(bob.write(move |tx| writing(tx, &processed)).is_empty());
    }

    #[test]
    fn whose_device_is_not_certified_is_a_suspect() {
        let (alice, mut bob) = acquainted();
        alice.say(&bob, "by a grant");
        alice.send(&mut bob);
        let incoming = std::mem::take(&mut bob.queue);
        assert!(matches!(incoming[0].source, Source::Grant(_)));
        let did = alice.own.did.clone();
        let outcome = |code| vec![Outcome::Quarantined(code)];
        for (outcomes, expected) in [
            (outcome("certificate.invalid"), vec![did]),
            (outcome("frame.unsealed"), Vec::new()),
            (vec![Outcome::Duplicate], Vec::new()),
        ] {
            let processed: Vec<_> = incoming.clone().into_iter().zip(outcomes).collect();
            let found = bob.write(move |tx| suspects(tx, &processed));
            assert_eq!(found, expected);
        }
    }
}
