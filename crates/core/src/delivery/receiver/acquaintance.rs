//! Who a sender is, and whether its device is one of its account (docs/protocol.md §1.4, §1.10).

use crate::db::{DbError, Peer, holds, incoming, peers};
use crate::delivery::Context;
use crate::discovery::DiscoveryError;
use crate::messages::requests::{self, Standing};
use crate::mls::certified;
use sotto_identity::verify::Pin;
use sotto_wire::claim::Incoming;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::did::Did;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::roster::VerifiedRoster;
use sotto_wire::time::Timestamp;

/// A verified sender and, where its envelope shows a certificate of before a rotation, its devices
/// (docs/protocol.md §1.10).
pub(super) struct Acquaintance {
    pub(super) peer: Peer,
    pub(super) devices: Option<VerifiedRoster>,
    /// Whether the own account was proved to follow it; asked where the policy is *following*.
    pub(super) followed: bool,
}

impl Acquaintance {
    /// Whether the device that an envelope shows is one of this account.
    pub(super) fn vouches_for(&self, envelope: &UnverifiedEnvelope, now: Timestamp) -> bool {
        let Pin { did, key, .. } = &self.peer.pin;
        let held = self.devices.as_ref().map(|it| it.certificates.as_slice());
        certified(envelope.cert(), held.unwrap_or_default(), did, key, now).is_ok()
    }
}

/// The sender as it is stored, if its device is certified by the key stored with it, and if it is
/// known already whether the sender is let in.
pub(super) async fn recognised(context: &Context, envelope: &UnverifiedEnvelope) -> Option<Pin> {
    let pin = context.discovery.known(envelope.from()).await.ok()??.pin;
    if standing(context, envelope.from()).await.ok()? == Standing::Stranger {
        return None;
    }
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
    followed: bool,
) -> Result<Acquaintance, DiscoveryError> {
    let peer = introduced(context, sender, followed).await?;
    let now = context.clock.now();
    let current = DeviceCertificate::verify(shown, &peer.pin.key, sender, now).is_ok();
    let devices = match current {
        true => None,
        false => context.discovery.roster_of(&peer.pin).await?,
    };
    Ok(Acquaintance {
        peer,
        devices,
        followed,
    })
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

async fn standing(context: &Context, sender: &Did) -> Result<Standing, DbError> {
    let sender = sender.clone();
    let read = context
        .database
        .read(move |tx| requests::standing(tx, &sender));
    read.await
}

/// Whether the own account is proved to follow a stranger, where that makes a difference.
pub(super) async fn is_followed(context: &Context, sender: &Did) -> bool {
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
async fn introduced(
    context: &Context,
    sender: &Did,
    followed: bool,
) -> Result<Peer, DiscoveryError> {
    let discovery = &context.discovery;
    if let Some(known) = discovery.known(sender).await? {
        let pin = discovery.verified(sender).await?.pin();
        let verified_at = context.clock.now_ms();
        return Ok(Peer {
            pin,
            verified_at,
            last_error: None,
            ..known
        });
    }
    let met = discovery.met(sender).await?;
    if followed || policy(context).await == Some(Incoming::Everyone) {
        Ok(discovery.peer(met).await)
    } else {
        Ok(discovery.stranger(&met))
    }
}
