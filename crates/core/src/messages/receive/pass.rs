//! What is held in memory while envelopes of one step are processed, and written at its end.

use super::{Incoming, Outcome, Refusal, Source};
use crate::db::{Change, DbError, OwnAccount, Peer, PeerId, WriteTx, conversations, peers};
use crate::inbox::Reader;
use crate::messages::content::{Early, recount};
use crate::messages::place;
use crate::mls::Session;
use crate::outbox::grant_stock;
use rusqlite::params;
use sotto_wire::did::Did;
use sotto_wire::frame::SealKey;
use sotto_wire::grant::Address;
use std::collections::{BTreeMap, HashMap, HashSet};

pub(super) struct Pass<'t, 'c> {
    pub(super) tx: &'t WriteTx<'c>,
    pub(super) own: &'t OwnAccount,
    pub(super) session: Session<'t>,
    readers: HashMap<Vec<u8>, Reader>,
    grants: HashMap<Address, (SealKey, i64)>,
    /// The last acknowledgement of each device for each own group: most frames repeat it.
    pub(super) acked: HashMap<(i64, Vec<u8>), u64>,
    /// Devices of which a frame was read.
    pub(super) heard: HashSet<i64>,
    /// Grants by which a frame came.
    pub(super) used: HashSet<Address>,
    senders: HashMap<i64, Did>,
    /// Id of the last message that was stored at the end of the history.
    last_place: Option<i64>,
    /// Messages for which something is kept until they arrive.
    pub(super) early: Early,
    news: BTreeMap<i64, News>,
    /// Conversations in which a group was joined or has reached another epoch.
    progressed: Vec<i64>,
    touched: bool,
}

/// What is new in a conversation.
#[derive(Default)]
struct News {
    messages: Vec<i64>,
    unread: bool,
    /// Seconds after which the peer's last message disappears.
    timer: Option<Option<u32>>,
    outbox: bool,
}

impl<'t, 'c> Pass<'t, 'c> {
    /// For one envelope.
    pub(super) fn storing_each_time(tx: &'t WriteTx<'c>, own: &'t OwnAccount) -> Self {
        Self::new(tx, own, Session::storing_each_time(tx))
    }

    /// For many envelopes; without [`Pass::finish`], everything must be rolled back.
    pub(super) fn storing_at_the_end(tx: &'t WriteTx<'c>, own: &'t OwnAccount) -> Self {
        Self::new(tx, own, Session::storing_at_flush(tx))
    }

    fn new(tx: &'t WriteTx<'c>, own: &'t OwnAccount, session: Session<'t>) -> Self {
        Self {
            tx,
            own,
            session,
            readers: HashMap::new(),
            grants: HashMap::new(),
            acked: HashMap::new(),
            heard: HashSet::new(),
            used: HashSet::new(),
            senders: HashMap::new(),
            last_place: None,
            early: Early::default(),
            news: BTreeMap::new(),
            progressed: Vec::new(),
            touched: false,
        }
    }

    /// Processes one envelope.
    pub(super) fn receive(&mut self, incoming: &Incoming) -> Result<Outcome, Refusal> {
        self.touched = false;
        match &incoming.source {
            Source::Grant(address) => self.by_grant(address, &incoming.bytes),
            Source::DidMailbox { sender, envelope } => self.first_contact(sender, envelope),
        }
    }

    /// From here on, a refusal has to be rolled back.
    pub(super) fn touch(&mut self) {
        self.touched = true;
    }

    pub(super) fn touched(&self) -> bool {
        self.touched
    }

    /// The seal key of an own grant and the device it was given to.
    pub(super) fn grant(&mut self, address: &Address) -> Result<(SealKey, i64), Refusal> {
        if let Some(known) = self.grants.get(address) {
            return Ok(known.clone());
        }
        let found = grant_stock::at(self.tx, address)?.ok_or(Refusal::Envelope("grant.unknown"))?;
        self.grants.insert(address.clone(), found.clone());
        Ok(found)
    }

    /// Loads the reader of a group; `false` where the group is not known.
    pub(super) fn knows(&mut self, group_id: &[u8]) -> Result<bool, DbError> {
        if self.readers.contains_key(group_id) {
            return Ok(true);
        }
        match Reader::by_group(self.tx, group_id)? {
            None => Ok(false),
            Some(reader) => {
                self.readers.insert(group_id.to_vec(), reader);
                Ok(true)
            }
        }
    }

    /// The reader of a group that is known.
    pub(super) fn reader(&mut self, group_id: &[u8]) -> Result<&mut Reader, Refusal> {
        let reader = self.readers.get_mut(group_id);
        reader.ok_or(Refusal::Envelope(crate::inbox::quarantine::UNKNOWN_GROUP))
    }

    /// The group that this Welcome led into before.
    pub(super) fn by_welcome(&mut self, digest: &[u8; 32]) -> Result<Option<Vec<u8>>, DbError> {
        let Some(stored) = Reader::by_welcome(self.tx, digest)? else {
            return Ok(None);
        };
        let group_id = stored.group_id.clone();
        self.readers.entry(group_id.clone()).or_insert(stored);
        Ok(Some(group_id))
    }

    pub(super) fn add_reader(&mut self, reader: Reader) {
        self.note_progress(reader.conversation);
        self.readers.insert(reader.group_id.clone(), reader);
    }

    /// A reader by row: the one in memory where there is one, as it may be ahead.
    pub(super) fn owe_ack(&mut self, row: i64) -> Result<(), DbError> {
        if let Some(reader) = self.readers.values_mut().find(|reader| reader.row == row) {
            reader.owe_ack();
        } else {
            self.tx
                .prepare_cached("UPDATE read_group SET ack_due = 1 WHERE id = ?1")?
                .execute([row])?;
            self.tx.changed(Change::Outbox);
        }
        Ok(())
    }

    pub(super) fn peer(&self, id: PeerId) -> Result<Peer, DbError> {
        peers::get(self.tx, id)?.ok_or(DbError::Stored("peer"))
    }

    /// The account of a peer's device.
    pub(super) fn sender(&mut self, device: i64) -> Result<Did, DbError> {
        if let Some(known) = self.senders.get(&device) {
            return Ok(known.clone());
        }
        let did: String = self
            .tx
            .prepare_cached(
                "SELECT did FROM peer JOIN peer_device device ON device.peer = peer.id
                 WHERE device.id = ?1",
            )?
            .query_row([device], |row| row.get(0))?;
        let did = Did::parse(&did).map_err(|_| DbError::Stored("did"))?;
        self.senders.insert(device, did.clone());
        Ok(did)
    }

    /// The id of a message at the end of the history.
    pub(super) fn next_place(&mut self) -> Result<i64, DbError> {
        let next = match self.last_place {
            Some(last) => place::after(last),
            None => place::next(self.tx)?,
        };
        self.last_place = Some(next);
        Ok(next)
    }

    /// Somebody else may have put something at the end of the history.
    pub(super) fn forget_place(&mut self) {
        self.last_place = None;
    }

    pub(super) fn note_progress(&mut self, conversation: i64) {
        if !self.progressed.contains(&conversation) {
            self.progressed.push(conversation);
        }
    }

    pub(super) fn note_message(&mut self, conversation: i64, id: i64) {
        let news = self.news.entry(conversation).or_default();
        news.messages.push(id);
        news.unread = true;
    }

    /// After how many seconds the peer's last message disappears.
    pub(super) fn note_timer(&mut self, conversation: i64, timer: Option<u32>) {
        self.news.entry(conversation).or_default().timer = Some(timer);
    }

    pub(super) fn note_delivered(&mut self, conversation: i64, ids: Vec<i64>) {
        self.news
            .entry(conversation)
            .or_default()
            .messages
            .extend(ids);
    }

    pub(super) fn note_outbox(&mut self, conversation: i64) {
        self.news.entry(conversation).or_default().outbox = true;
    }

    /// Writes down what memory holds and returns the conversations in which a group was joined or has
    /// reached another epoch: what was refused may be readable there.
    pub(super) fn finish(mut self) -> Result<Vec<i64>, Refusal> {
        self.session.flush()?;
        let mut outbox = false;
        for reader in self.readers.values_mut() {
            reader.flush(self.tx)?;
            outbox |= reader.ack_due();
        }
        for (conversation, news) in self.news {
            let id = conversations::id_of(self.tx, conversation)?;
            if news.unread {
                recount(self.tx, conversation)?;
            }
            if let Some(timer) = news.timer {
                adopt(self.tx, conversation, timer)?;
            }
            if !news.messages.is_empty() {
                self.tx.changed(Change::Messages {
                    conversation: id,
                    ids: news.messages,
                });
                self.tx.changed(Change::Conversations(vec![id]));
            }
            outbox |= news.outbox;
        }
        if outbox {
            self.tx.changed(Change::Outbox);
        }
        Ok(self.progressed)
    }
}

/// The conversation's timer follows the peer's where the peer has changed it. (Not wherever the two
/// differ: what the peer wrote before it heard of a change here would undo that.)
fn adopt(tx: &WriteTx<'_>, conversation: i64, timer: Option<u32>) -> Result<(), DbError> {
    tx.prepare_cached(
        "UPDATE conversation SET timer = ?2, peer_timer = ?2
         WHERE id = ?1 AND peer_timer IS NOT ?2",
    )?
    .execute(params![conversation, timer])?;
    Ok(())
}
