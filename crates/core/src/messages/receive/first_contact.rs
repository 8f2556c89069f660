//! First-contact envelopes from the DID mailbox (docs/protocol.md §4.5).

use super::pass::Pass;
use super::{Outcome, Refusal};
use crate::db::peers;
use crate::inbox::seen;
use crate::mls::{Message, verified};
use sha2::{Digest as _, Sha256};
use sotto_identity::verify::Pin;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::first_contact::{Envelope, UnverifiedEnvelope};
use sotto_wire::frame::{self, SealKey};

impl Pass<'_, '_> {
    pub(super) fn first_contact(
        &mut self,
        sender: &Pin,
        envelope: &UnverifiedEnvelope,
    ) -> Result<Outcome, Refusal> {
        if *envelope.to() != self.own.did {
            return Err(Refusal::Envelope("first-contact.other-recipient"));
        }
        if *envelope.from() != sender.did || sender.did == self.own.did {
            return Err(Refusal::Envelope("first-contact.other-sender"));
        }
        let certificate = verified(envelope.cert(), &sender.did, &sender.key, self.tx.now())?;
        let envelope = envelope
            .clone()
            .verify(&certificate)
            .map_err(|_| Refusal::Envelope("first-contact.signature"))?;
        // The same envelope once more is a repeated frame, not a replay.
        let digest = frame::digest(&envelope.sealed);
        if let Some(seen) = seen::frame(self.tx, &digest)? {
            return self.duplicate(seen.read_group);
        }
        self.touch();
        if !seen::add_nonce(self.tx, &sender.did, &envelope.nonce)? {
            return Err(Refusal::Envelope("first-contact.replayed"));
        }
        let group_id = self.group_of(sender, &envelope, &certificate)?;
        let key = SealKey::from_bytes(self.reader(&group_id)?.first_contact_key);
        let frame =
            frame::open(&envelope.sealed, &key).map_err(|_| Refusal::Envelope("frame.unsealed"))?;
        let message = Message::parse(&frame.message)?;
        if message.group_id() != group_id {
            return Err(Refusal::Envelope("welcome.other-group"));
        }
        self.open(&group_id, message, &digest)
    }

    /// The group of the envelope's Welcome, joined now or before. The device that signed the
    /// envelope must own it.
    fn group_of(
        &mut self,
        sender: &Pin,
        envelope: &Envelope,
        certificate: &DeviceCertificate,
    ) -> Result<Vec<u8>, Refusal> {
        let peer = peers::row(self.tx, sender, self.tx.clock_now_ms())?;
        let digest = Sha256::digest(&envelope.welcome).into();
        let group_id = match self.by_welcome(&digest)? {
            Some(known) => known,
            None => self.join(&envelope.welcome, sender, peer)?,
        };
        let device = peers::device(self.tx, peer, &certificate.device_id, &envelope.cert)?;
        if self.reader(&group_id)?.device != device {
            return Err(Refusal::Envelope("first-contact.other-device"));
        }
        Ok(group_id)
    }
}
