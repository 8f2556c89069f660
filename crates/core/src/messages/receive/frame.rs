//! Sealed frames that came by a grant (docs/protocol.md §3.1, §4.6).

use super::pass::Pass;
use super::{Outcome, Refusal};
use crate::db::{DbError, PeerId, WriteTx, conversations, peers};
use crate::inbox::{NewReader, Reader, quarantine, seen};
use crate::messages::{renew, repair};
use crate::mls::{Accounts, Message};
use crate::outbox::{self, grant_stock};
use rusqlite::OptionalExtension;
use sha2::{Digest as _, Sha256};
use sotto_identity::verify::Pin;
use sotto_wire::frame::{self, MAX_SEALED};
use sotto_wire::grant::Address;

impl Pass<'_, '_> {
    pub(super) fn by_grant(
        &mut self,
        address: &Address,
        sealed: &[u8],
    ) -> Result<Outcome, Refusal> {
        if sealed.len() > MAX_SEALED {
            return Err(Refusal::Envelope("frame.too-large"));
        }
        let digest = frame::digest(sealed);
        if let Some(seen) = seen::frame(self.tx, &digest)? {
            return self.duplicate(seen.read_group);
        }
        let (seal, device) = self.grant(address)?;
        let frame = frame::open(sealed, &seal).map_err(|_| Refusal::Envelope("frame.unsealed"))?;
        let message = Message::parse(&frame.message)?;
        let group_id = message.group_id().to_vec();
        if !self.knows(&group_id)? {
            self.join_by_frame(&group_id, frame.welcome.as_deref(), device)?;
        }
        // A grant is for one device: nobody else's frames come by it.
        if self.reader(&group_id)?.device != device {
            return Err(Refusal::Envelope("frame.wrong-sender"));
        }
        self.catch_up(&group_id, &frame.commits, &message)?;
        let outcome = self.open(&group_id, message, &digest)?;
        if self.used.insert(address.clone()) {
            grant_stock::note_use(self.tx, address)?;
        }
        Ok(outcome)
    }

    /// Acknowledged again, as the sender has evidently not heard of it.
    pub(super) fn duplicate(&mut self, read_group: Option<i64>) -> Result<Outcome, Refusal> {
        if let Some(row) = read_group {
            self.owe_ack(row)?;
        }
        Ok(Outcome::Duplicate)
    }

    fn join_by_frame(
        &mut self,
        group_id: &[u8],
        welcome: Option<&[u8]>,
        device: i64,
    ) -> Result<(), Refusal> {
        if is_own_group(self.tx, group_id)? {
            return Err(Refusal::Envelope("message.not-owner"));
        }
        let welcome = welcome.ok_or(Refusal::Envelope(quarantine::UNKNOWN_GROUP))?;
        let peer = peer_of(self.tx, device)?;
        let pin = self.peer(peer)?.pin;
        let joined = self.join(welcome, &pin, peer)?;
        if joined != group_id {
            return Err(Refusal::Envelope("welcome.other-group"));
        }
        Ok(())
    }

    /// Joins the group of a Welcome for a conversation with this peer; returns the group's id.
    pub(super) fn join(
        &mut self,
        welcome: &[u8],
        pin: &Pin,
        peer: PeerId,
    ) -> Result<Vec<u8>, Refusal> {
        self.touch();
        let held = peers::certificates(self.tx, peer)?;
        let accounts = Accounts {
            own: self.own,
            peer: pin,
            held: &held,
            now: self.tx.now(),
        };
        let joined = self.session.join(welcome, &accounts)?;
        let (conversation, _) =
            crate::messages::start::with(self.tx, &self.own.did, peer, &pin.did)?;
        let owner = &joined.owner;
        let device = renew::meet(self.tx, peer, &owner.certificate.device_id, &owner.bytes)?;
        self.forget_place();
        repair::joined(self.tx, conversation, device)?;
        let reader = Reader::insert(
            self.tx,
            &NewReader {
                conversation,
                device,
                group_id: &joined.group_id,
                epoch: joined.epoch,
                welcome_digest: &Sha256::digest(welcome).into(),
                first_contact_key: &joined.first_contact_key,
            },
        )?;
        self.add_reader(reader);
        self.answer_right_away(conversation, joined.last_resort)?;
        Ok(joined.group_id)
    }
}

impl Pass<'_, '_> {
    /// Where there is no own send group, its owner waits for one (docs/protocol.md §3.4). Where one of the
    /// two groups began with a last-resort key package, which others began with as well, a commit does not
    /// wait for something to say (§3.8).
    fn answer_right_away(&mut self, conversation: i64, last_resort: bool) -> Result<(), DbError> {
        let own: Option<bool> = self
            .tx
            .prepare_cached("SELECT last_resort FROM send_group WHERE conversation = ?1")?
            .query_row([conversation], |row| row.get(0))
            .optional()?;
        if own.is_none_or(|own| own || last_resort) {
            outbox::ask_for_frame(self.tx, conversation)?;
            self.note_outbox(conversation);
        }
        Ok(())
    }
}

fn is_own_group(tx: &WriteTx<'_>, group_id: &[u8]) -> Result<bool, DbError> {
    let mut statement = tx.prepare_cached("SELECT 1 FROM send_group WHERE group_id = ?1")?;
    Ok(statement.exists([group_id])?)
}

fn peer_of(tx: &WriteTx<'_>, device: i64) -> Result<PeerId, DbError> {
    let mut statement = tx.prepare_cached("SELECT peer FROM peer_device WHERE id = ?1")?;
    Ok(PeerId(statement.query_row([device], |row| row.get(0))?))
}

/// The conversation that a grant serves, for frames that may be read later.
pub(super) fn conversation_of(tx: &WriteTx<'_>, address: &Address) -> Result<Option<i64>, DbError> {
    let Some((_, device)) = grant_stock::at(tx, address)? else {
        return Ok(None);
    };
    let peer = peer_of(tx, device)?;
    conversations::with_peer(tx, peer)
}
