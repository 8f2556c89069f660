//! What an opened frame says (docs/protocol.md §3.2).

use super::pass::Pass;
use super::store::Stored;
use super::{Outcome, Refusal};
use crate::db::{DbError, conversations, peers};
use crate::inbox::seen;
use crate::messages::{relocate, renew, repair};
use crate::mls::{Message, MlsError, PeerDevice, certified, key_packages, send_group};
use crate::outbox::{self, Acknowledged};
use rusqlite::{OptionalExtension, params};
use sotto_wire::conversation::ConversationId;
use sotto_wire::payload::{Ack, Payload, PayloadGrant};

impl Pass<'_, '_> {
    /// Decrypts a message and does what its payload says.
    pub(super) fn open(
        &mut self,
        group_id: &[u8],
        message: Message,
        digest: &[u8; 32],
    ) -> Result<Outcome, Refusal> {
        let opened = self.session.open(message);
        if !matches!(opened, Err(MlsError::Refused(_) | MlsError::UnknownGroup)) {
            self.touch();
        }
        let opened = opened?;
        let payload =
            Payload::decode(&opened.payload).map_err(|_| Refusal::Envelope("payload.malformed"))?;
        let reader = self.reader(group_id)?;
        let (row, conversation, device) = (reader.row, reader.conversation, reader.device);
        if self.heard.insert(device) {
            repair::heard(self.tx, device)?;
        }
        self.check_place(group_id, &payload)?;
        for ack in &payload.acks {
            if !self.acknowledge(conversation, device, ack)? && self.set_back(conversation)? {
                outbox::remember_groups(self.tx, &payload.acks)?;
            }
        }
        if payload.seq == 0 {
            seen::add_frame(self.tx, digest, None)?;
            return Ok(if payload.typing {
                Outcome::Typing
            } else {
                Outcome::Control
            });
        }
        seen::add_frame(self.tx, digest, Some(row))?;
        let reader = self.reader(group_id)?;
        if reader.has(payload.seq) {
            reader.owe_ack();
            return Ok(Outcome::Duplicate);
        }
        if reader.is_beyond(payload.seq) {
            return Err(Refusal::Envelope("payload.sequence"));
        }
        if !payload.lost.is_empty() {
            repair::asked(self.tx, conversation, &payload.lost)?;
            self.forget_place();
        }
        for grant in &payload.grants {
            self.hold(conversation, device, grant)?;
        }
        let message = match &payload.content {
            Some(content) => self.store(group_id, payload.seq, content, &opened.certificate)?,
            None => Stored::default(),
        };
        let tx = self.tx;
        let reader = self.reader(group_id)?;
        reader.accept(tx, payload.seq, payload.link, message.place)?;
        if !payload.key_packages.is_empty() {
            self.answer(conversation, payload.key_packages)?;
        }
        Ok(match message {
            Stored {
                place: Some(id),
                shown: true,
            } => Outcome::Message(id),
            _ => Outcome::Control,
        })
    }

    /// Whether the frame fits to those that were processed, and this device knows as much of them as it
    /// has acknowledged (§3.7).
    fn check_place(&mut self, group_id: &[u8], payload: &Payload) -> Result<(), Refusal> {
        if payload.seq != 0 && payload.first > payload.seq {
            return Err(Refusal::Envelope("payload.sequence"));
        }
        let tx = self.tx;
        let reader = self.reader(group_id)?;
        let conversation = reader.conversation;
        let skipped = reader.skip_to(tx, payload.first)?;
        if let Some(link) = payload.link
            && reader.contradicts(payload.seq, link)
        {
            return Err(Refusal::Envelope(repair::FORKED));
        }
        if skipped {
            self.set_back(conversation)?;
        }
        Ok(())
    }

    /// `false`: the conversation begins anew already.
    fn set_back(&mut self, conversation: i64) -> Result<bool, Refusal> {
        let begun = repair::set_back(self.tx, conversation)?;
        self.forget_place();
        self.note_outbox(conversation);
        Ok(begun)
    }

    /// `false`: this device does not know what is acknowledged.
    fn acknowledge(&mut self, conversation: i64, device: i64, ack: &Ack) -> Result<bool, Refusal> {
        let key = (device, ack.group.clone());
        if self.acked.get(&key).is_some_and(|known| *known >= ack.seq) {
            return Ok(true);
        }
        match outbox::acknowledge(self.tx, conversation, device, ack)? {
            Acknowledged::Unknown => return Ok(false),
            Acknowledged::Delivered(delivered) if !delivered.is_empty() => {
                // Frees room for first-contact envelopes that wait.
                self.note_outbox(conversation);
                self.note_delivered(conversation, delivered);
            }
            Acknowledged::Delivered(_) => {}
        }
        renew::forget_acknowledged(self.tx, conversation)?;
        self.acked.insert(key, ack.seq);
        Ok(true)
    }

    /// A grant by which this device may reach the sending one (§3.2, §4.6). Also one that has expired
    /// by this clock, which may be wrong: the grant does not come again.
    fn hold(
        &mut self,
        conversation: i64,
        device: i64,
        grant: &PayloadGrant,
    ) -> Result<(), DbError> {
        if grant.to != self.own.device_id {
            return Ok(());
        }
        let new: Option<i64> = self
            .tx
            .prepare_cached(
                "INSERT INTO held_grant (peer_device, host, key, seal, expires_s)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (peer_device, key) DO NOTHING
                 RETURNING id",
            )?
            .query_row(
                params![
                    device,
                    grant.host.as_str(),
                    grant.key.as_bytes(),
                    grant.seal.as_bytes(),
                    grant.expires.0
                ],
                |row| row.get(0),
            )
            .optional()?;
        if let Some(new) = new {
            relocate::follow(self.tx, device, new)?;
        }
        self.note_outbox(conversation);
        Ok(())
    }

    /// Makes the own send group from the key packages that came along, and has a frame sent that
    /// brings the peer what it needs (§3.4). Packages that break a rule make no group; a frame
    /// waits all the same, so that other packages are fetched.
    fn answer(&mut self, conversation: i64, packages: Vec<Vec<u8>>) -> Result<(), Refusal> {
        let mut statement = self
            .tx
            .prepare_cached("SELECT 1 FROM send_group WHERE conversation = ?1")?;
        if statement.exists([conversation])? {
            return Ok(());
        }
        let peer_row = conversations::peer_of(self.tx, conversation)?;
        let peer = self.peer(peer_row)?;
        let account = &peer.pin;
        let held = peers::certificates(self.tx, peer_row)?;
        let now = self.tx.now();
        let mut members = Vec::with_capacity(packages.len());
        for key_package in packages {
            let shown = key_packages::certificate(&key_package);
            let device =
                shown.and_then(|it| certified(&it, &held, &account.did, &account.key, now));
            match device {
                Ok(device) => members.push(PeerDevice {
                    certificate: device.bytes,
                    key_package,
                    last_resort: false,
                    account,
                }),
                Err(error) => tracing::warn!(code = error.code(), "a key package is left out"),
            }
        }
        let id = ConversationId::of(&self.own.did, &account.did);
        match send_group::create(self.tx, &id, &members) {
            Ok(()) => {}
            Err(MlsError::Db(error)) => return Err(error.into()),
            Err(error) => tracing::warn!(code = error.code(), "no send group from key packages"),
        }
        outbox::ask_for_frame(self.tx, conversation)?;
        self.note_outbox(conversation);
        Ok(())
    }
}
