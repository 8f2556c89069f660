//! One batch of deliveries, one transaction.

use super::introductions::ack;
use crate::db::{DbError, Peer, WriteTx, peers};
use crate::delivery::Context;
use crate::messages::EngineError;
use crate::messages::requests::{self, Arrival};
use crate::messages::{Incoming, Outcome, Source};
use sotto_identity::verify::Pin;
use sotto_wire::did::Did;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::relay_api::{Ack, Delivery, MailboxKey};

/// A delivery with everything that its processing needs.
pub(super) struct Ready {
    ack: Ack,
    arrival: Option<Arrival>,
    /// To be stored before its envelope is read.
    sender: Option<Peer>,
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
        }
    }

    /// An envelope of a sender who was verified just now, and whom the own account was proved to
    /// follow or not.
    pub(super) fn introduced(
        delivery: Delivery,
        envelope: UnverifiedEnvelope,
        sender: &Peer,
        followed: bool,
    ) -> Self {
        let recognised = Self::recognised(delivery, envelope, sender.pin.clone());
        let arrival = recognised.arrival.map(|it| Arrival { followed, ..it });
        Self {
            sender: Some(sender.clone()),
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
        }
    }
}

/// Processes a batch and says what to acknowledge to the relay, now that it is committed.
pub(super) async fn store(context: &Context, ready: Vec<Ready>) -> Result<Vec<Ack>, EngineError> {
    let (mut acks, mut arrivals) = (Vec::new(), Vec::new());
    let mut senders: Vec<Peer> = Vec::new();
    for Ready {
        ack,
        arrival,
        sender,
    } in ready
    {
        acks.push(ack);
        arrivals.extend(arrival);
        let known = |peer: &Peer| senders.iter().any(|it| it.pin.did == peer.pin.did);
        if let Some(sender) = sender.filter(|peer| !known(peer)) {
            senders.push(sender);
        }
    }
    if arrivals.is_empty() {
        return Ok(acks);
    }
    let first_contact = arrivals
        .iter()
        .any(|it| matches!(it.incoming.source, Source::DidMailbox { .. }));
    let write = context.database.write(move |tx| {
        for sender in &senders {
            peers::upsert(tx, sender)?;
        }
        let processed = requests::arrive(tx, arrivals)?;
        Ok::<_, EngineError>(suspects(tx, &processed)?)
    });
    for suspect in write.await? {
        context.suspects.add(&suspect);
    }
    if first_contact {
        // A key package has probably been used.
        context.look_after.notify_one();
    }
    Ok(acks)
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
    use crate::testing::acquainted;

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
