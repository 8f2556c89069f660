//! Who a sender is, and whether its device is one of its account (docs/protocol.md §1.4, §1.7).

use crate::db::{DbError, Peer, holds, peers};
use crate::delivery::Context;
use crate::discovery::DiscoveryError;
use crate::mls::certified;
use sotto_identity::verify::Pin;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::did::Did;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::roster::VerifiedRoster;
use sotto_wire::time::Timestamp;

/// A verified sender and, where its envelope shows a certificate of before a rotation, its devices
/// (docs/protocol.md §1.7).
pub(super) struct Acquaintance {
    pub(super) peer: Peer,
    pub(super) devices: Option<VerifiedRoster>,
}

impl Acquaintance {
    /// Whether the device that an envelope shows is one of this account.
    pub(super) fn vouches_for(&self, envelope: &UnverifiedEnvelope, now: Timestamp) -> bool {
        let Pin { did, key, .. } = &self.peer.pin;
        let held = self.devices.as_ref().map(|it| it.certificates.as_slice());
        certified(envelope.cert(), held.unwrap_or_default(), did, key, now).is_ok()
    }
}

/// The sender as it is stored, if its device is certified by the key stored with it.
pub(super) async fn recognised(context: &Context, envelope: &UnverifiedEnvelope) -> Option<Pin> {
    let pin = context.discovery.known(envelope.from()).await.ok()??.pin;
    let now = context.clock.now();
    DeviceCertificate::verify(envelope.cert(), &pin.key, envelope.from(), now).ok()?;
    Some(pin)
}

/// Whether nothing goes out to this account.
pub(super) async fn held(context: &Context, sender: &Did) -> Result<bool, DbError> {
    let sender = sender.clone();
    let read = context
        .database
        .read(move |tx| match peers::id_of(tx, &sender)? {
            Some(peer) => Ok(holds::of(tx, peer)?.is_some()),
            None => Ok(false),
        });
    read.await
}

/// The sender, and its devices where the certificate it shows is not one under its present key.
pub(super) async fn meet(
    context: &Context,
    sender: &Did,
    shown: &[u8],
) -> Result<Acquaintance, DiscoveryError> {
    let peer = introduced(context, sender).await?;
    let now = context.clock.now();
    let current = DeviceCertificate::verify(shown, &peer.pin.key, sender, now).is_ok();
    let devices = match current {
        true => None,
        false => context.discovery.roster_of(&peer.pin).await?,
    };
    Ok(Acquaintance { peer, devices })
}

/// The account verifies: nothing holds it back any more.
pub(super) async fn let_go(context: &Context, sender: &Did) -> Result<(), DbError> {
    let sender = sender.clone();
    let write = context
        .database
        .write(move |tx| match peers::id_of(tx, &sender)? {
            Some(peer) => holds::set(tx, peer, None),
            None => Ok(()),
        });
    write.await
}

/// A peer as it is stored: with its profile where it is new.
async fn introduced(context: &Context, sender: &Did) -> Result<Peer, DiscoveryError> {
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
