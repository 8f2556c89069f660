//! One frame: payload, MLS message, and sealed bytes for every recipient.

use super::SendGroup;
use super::healing::Health;
use super::recipients::Recipient;
use crate::db::{OwnAccount, PeerId, WriteTx, peers};
use crate::messages::{EngineError, repair};
use crate::mls::{Session, key_packages};
use crate::outbox::grant_stock::{self, Standing};
use crate::outbox::{Need, NewFrame, NewPut, Put, Route, insert_frame, insert_put, link_of};
use rusqlite::params;
use sotto_wire::conversation::ConversationId;
use sotto_wire::first_contact::Envelope;
use sotto_wire::frame::{self, Frame, SealKey};
use sotto_wire::grant;
use sotto_wire::payload::{Ack, Link, Lost, Mark, Payload, PayloadGrant};
use sotto_wire::random;
use std::cell::Cell;

/// What to seal.
pub(super) enum Kind {
    /// A frame that must arrive.
    Sequenced {
        /// `None`: the next number.
        seq: Option<u64>,
        message: Option<i64>,
        content: Option<Vec<u8>>,
    },
    /// Neither kept nor acknowledged.
    AcksOnly,
    /// As that, and something is being written at this moment: not even stored.
    Typing,
}

/// Seals frames of one send group, one after the other.
pub(super) struct Sealer<'t, 'c> {
    pub(super) tx: &'t WriteTx<'c>,
    pub(super) own: &'t OwnAccount,
    pub(super) conversation: ConversationId,
    pub(super) peer: PeerId,
    pub(super) group: &'t SendGroup,
    pub(super) recipients: Vec<Recipient>,
    pub(super) acks: Vec<Ack>,
    pub(super) health: Health,
    pub(super) session: Session<'t>,
    pub(super) next_seq: u64,
    pub(super) next_put: Cell<i64>,
    /// What the devices need to reach this one is in an earlier frame of this step.
    pub(super) grants_given: bool,
    /// Of the last frame.
    pub(super) mark: Mark,
    /// What cannot be read of the peer is named in an earlier frame of this step.
    pub(super) lost_named: bool,
    /// The lowest number that is not acknowledged by every device.
    pub(super) first: u64,
}

impl Sealer<'_, '_> {
    pub(super) fn group(&self) -> i64 {
        self.group.row
    }

    /// Some device can be reached by a grant.
    pub(super) fn reaches_anyone(&self) -> bool {
        self.recipients
            .iter()
            .any(|recipient| recipient.held.is_some())
    }

    /// Some device has given no grant yet.
    pub(super) fn uses_mailbox(&self) -> bool {
        self.recipients
            .iter()
            .any(|recipient| recipient.held.is_none())
    }

    /// What acknowledgements go out with: something that has to arrive where it comes with a commit.
    pub(super) fn acks_only(&self) -> Kind {
        if self.health.reopened() {
            return Kind::Sequenced {
                seq: None,
                message: None,
                content: None,
            };
        }
        Kind::AcksOnly
    }

    /// Seals one frame and stores its puts.
    pub(super) fn seal(&mut self, kind: Kind) -> Result<Vec<Put>, EngineError> {
        if matches!(kind, Kind::Sequenced { .. }) || self.health.reopened() {
            self.heal()?;
        }
        let (seq, payload) = match kind {
            Kind::AcksOnly => {
                self.drop_older_acks()?;
                (None, self.payload(0, None))
            }
            Kind::Typing => {
                let mut payload = self.payload(0, None);
                payload.typing = true;
                (None, payload)
            }
            Kind::Sequenced {
                seq,
                message,
                content,
            } => {
                let (seq, link) = self.place(seq)?;
                let mut payload = self.payload(seq, content);
                payload.link = Some(link);
                payload.lost = self.lost()?;
                payload.grants = self.grants()?;
                payload.key_packages = self.key_packages(seq)?;
                let group = self.group.row;
                insert_frame(
                    self.tx,
                    &NewFrame {
                        group,
                        seq,
                        message,
                        link,
                    },
                )?;
                (Some(seq), payload)
            }
        };
        let sealed = self.session.seal(
            &self.group.group_id,
            &self.own.device_key,
            &payload.encode(),
        )?;
        self.health.count();
        let mut puts = self.by_grants(seq, &sealed)?;
        if seq.is_some() && self.uses_mailbox() {
            puts.push(self.by_mailbox(seq, sealed)?);
        }
        Ok(puts)
    }

    /// Stores what memory holds: without it, everything has to be rolled back.
    pub(super) fn finish(mut self) -> Result<(), EngineError> {
        self.session.flush()?;
        self.tx
            .prepare_cached(
                "UPDATE send_group SET next_seq = ?2, next_put = ?3, mark = ?4 WHERE id = ?1",
            )?
            .execute(params![
                self.group.row,
                self.next_seq,
                self.next_put.get(),
                self.mark
            ])?;
        self.health.store(self.tx, self.group.row)
    }

    /// Unique among all groups, ascending within each, and never used again.
    fn put_id(&self) -> i64 {
        let next = self.next_put.get();
        self.next_put.set(next + 1);
        (self.group.row << 32) | next
    }

    /// The number to seal under and its link: the next one, or those that the frame had before.
    fn place(&mut self, seq: Option<u64>) -> Result<(u64, Link), EngineError> {
        if let Some(seq) = seq
            && let Some(link) = link_of(self.tx, self.group.row, seq)?
        {
            return Ok((seq, link));
        }
        let link = Link {
            after: self.mark,
            mark: random::array(self.tx.random()),
        };
        let seq = self.next_seq;
        self.mark = link.mark;
        self.next_seq += 1;
        Ok((seq, link))
    }

    /// Groups of the peer that cannot be read (§3.7), in the first frame.
    fn lost(&mut self) -> Result<Vec<Lost>, EngineError> {
        if std::mem::replace(&mut self.lost_named, true) {
            return Ok(Vec::new());
        }
        repair::take(self.tx, self.group.conversation)
    }

    fn payload(&self, seq: u64, content: Option<Vec<u8>>) -> Payload {
        Payload {
            seq,
            acks: self.acks.clone(),
            link: None,
            lost: Vec::new(),
            first: self.first,
            typing: false,
            content,
            grants: Vec::new(),
            key_packages: Vec::new(),
        }
    }

    /// A newer acknowledgement says everything that an older one does.
    fn drop_older_acks(&self) -> Result<(), EngineError> {
        self.tx
            .prepare_cached("DELETE FROM put WHERE send_group = ?1 AND seq IS NULL")?
            .execute([self.group.row])?;
        Ok(())
    }

    /// Grants for the devices that have none or an old one (§4.6), in the first frame.
    fn grants(&mut self) -> Result<Vec<PayloadGrant>, EngineError> {
        let mut grants = Vec::new();
        if std::mem::replace(&mut self.grants_given, true) {
            return Ok(grants);
        }
        for recipient in &self.recipients {
            let standing = grant_stock::standing(self.tx, recipient.row)?;
            if matches!(standing, Standing::Fine) {
                continue;
            }
            match grant_stock::assign(self.tx, recipient.row)? {
                Some(issued) => grants.push(PayloadGrant {
                    to: recipient.device_id,
                    key: issued.key,
                    host: self.own.domain.clone(),
                    seal: issued.seal,
                    expires: issued.expires,
                }),
                // The old one still works; the next frame tries again.
                None if matches!(standing, Standing::Ageing) => {}
                None => return Err(EngineError::Need(Need::grants(0))),
            }
        }
        Ok(grants)
    }

    /// The first frame to devices that have written nothing yet brings what is needed to answer.
    fn key_packages(&self, seq: u64) -> Result<Vec<Vec<u8>>, EngineError> {
        if seq != 1 || self.heard_from_anyone()? {
            return Ok(Vec::new());
        }
        Ok(vec![key_packages::generate_inline(self.tx, self.own)?])
    }

    fn heard_from_anyone(&self) -> Result<bool, EngineError> {
        let mut statement = self.tx.prepare_cached(
            "SELECT 1 FROM send_member JOIN read_group USING (peer_device)
             WHERE send_group = ?1 AND processed > 0",
        )?;
        Ok(statement.exists([self.group.row])?)
    }

    fn by_grants(&self, seq: Option<u64>, message: &[u8]) -> Result<Vec<Put>, EngineError> {
        let mut puts = Vec::new();
        for recipient in &self.recipients {
            let Some(held) = &recipient.held else {
                continue;
            };
            // Any one frame brings a recipient up to date (§3.1).
            let welcome = (recipient.acked == 0).then(|| self.group.welcome.clone());
            let bytes = self.sealed(message, recipient.acked, welcome, &held.seal)?;
            let id = self.put_id();
            insert_put(
                self.tx,
                &NewPut {
                    id,
                    group: self.group.row,
                    seq,
                    recipient: Some((recipient.row, held.row)),
                    bytes: &bytes,
                },
            )?;
            let route = Route::Grant {
                host: held.host.clone(),
                address: grant::address(&held.key, &held.host),
                key: held.key.clone(),
            };
            puts.push(Put {
                id,
                conversation: self.conversation,
                route,
                bytes,
            });
        }
        Ok(puts)
    }

    fn by_mailbox(&self, seq: Option<u64>, message: Vec<u8>) -> Result<Put, EngineError> {
        let key = SealKey::from_bytes(self.group.first_contact_key);
        let peer = peers::get(self.tx, self.peer)?
            .ok_or(EngineError::UnknownConversation)?
            .pin;
        let envelope = Envelope {
            from: self.own.did.clone(),
            to: peer.did.clone(),
            cert: self.own.certificate.clone(),
            nonce: random::array(self.tx.random()),
            welcome: self.group.welcome.clone(),
            sealed: self.sealed(&message, 0, None, &key)?,
        };
        let bytes = envelope.sign(&self.own.device_key);
        let (id, group) = (self.put_id(), self.group.row);
        insert_put(
            self.tx,
            &NewPut {
                id,
                group,
                seq,
                recipient: None,
                bytes: &bytes,
            },
        )?;
        let route = Route::DidMailbox {
            domain: peer.domain,
            did: peer.did,
        };
        Ok(Put {
            id,
            conversation: self.conversation,
            route,
            bytes,
        })
    }

    fn sealed(
        &self,
        message: &[u8],
        acked: u64,
        welcome: Option<Vec<u8>>,
        key: &SealKey,
    ) -> Result<Vec<u8>, EngineError> {
        let frame = Frame {
            commits: self.health.staples(acked),
            message: message.to_vec(),
            welcome,
        };
        frame::seal(&frame, key, self.tx.random()).map_err(|_| EngineError::TooLarge)
    }
}
