//! First-contact envelopes from the DID mailbox (docs/protocol.md §4.5).

use super::pass::Pass;
use super::{Outcome, Refusal};
use crate::db::{DbError, WriteTx, peers};
use crate::inbox::seen;
use crate::messages::renew;
use crate::mls::{Message, VerifiedDevice, certified};
use crate::outbox;
use sha2::{Digest as _, Sha256};
use sotto_identity::verify::Pin;
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
        // Verified before the transaction; the account may have been looked at again since.
        let known = peers::by_did(self.tx, &sender.did)?.map(|peer| peer.pin);
        let sender = match &known {
            Some(known) if peers::is_newer(known, sender) => known,
            _ => sender,
        };
        let held = match peers::id_of(self.tx, &sender.did)? {
            Some(peer) => peers::certificates(self.tx, peer)?,
            None => Vec::new(),
        };
        let now = self.tx.now();
        let device = certified(envelope.cert(), &held, &sender.did, &sender.key, now)?;
        let envelope = envelope
            .clone()
            .verify(&device.certificate)
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
        let group_id = self.group_of(sender, &envelope, &device)?;
        self.make_room(&group_id)?;
        let key = SealKey::from_bytes(self.reader(&group_id)?.first_contact_key);
        let frame =
            frame::open(&envelope.sealed, &key).map_err(|_| Refusal::Envelope("frame.unsealed"))?;
        let message = Message::parse(&frame.message)?;
        if message.group_id() != group_id {
            return Err(Refusal::Envelope("welcome.other-group"));
        }
        self.catch_up(&group_id, &frame.commits, &message)?;
        self.open(&group_id, message, &digest)
    }

    /// The group of the envelope's Welcome, joined now or before. The device that signed the
    /// envelope must own it.
    fn group_of(
        &mut self,
        sender: &Pin,
        envelope: &Envelope,
        shown: &VerifiedDevice,
    ) -> Result<Vec<u8>, Refusal> {
        let peer = peers::row(self.tx, sender, self.tx.clock_now_ms())?;
        // First, because it may be what certifies the leaf in a Welcome of before a rotation.
        let id = &shown.certificate.device_id;
        let device = renew::meet(self.tx, peer, id, &shown.bytes)?;
        self.forget_place();
        let digest = Sha256::digest(&envelope.welcome).into();
        let group_id = match self.by_welcome(&digest)? {
            Some(known) => known,
            None => self.join(&envelope.welcome, sender, peer)?,
        };
        if self.reader(&group_id)?.device != device {
            return Err(Refusal::Envelope("first-contact.other-device"));
        }
        Ok(group_id)
    }

    /// A device that the own send group is not for needs another group (docs/protocol.md §3.6).
    fn make_room(&mut self, group_id: &[u8]) -> Result<(), Refusal> {
        let reader = self.reader(group_id)?;
        let (conversation, device) = (reader.conversation, reader.device);
        if !is_left_out(self.tx, conversation, device)? {
            return Ok(());
        }
        renew::retire(self.tx, conversation)?;
        outbox::ask_for_frame(self.tx, conversation)?;
        self.note_outbox(conversation);
        Ok(())
    }
}

/// There is an own send group, and the device is not a member of it.
fn is_left_out(tx: &WriteTx<'_>, conversation: i64, device: i64) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM send_group g WHERE g.conversation = ?1
           AND NOT EXISTS (SELECT 1 FROM send_member m
                           WHERE m.send_group = g.id AND m.peer_device = ?2)",
    )?;
    Ok(statement.exists([conversation, device])?)
}
