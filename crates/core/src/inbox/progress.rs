//! How far a peer device's send group has been read.

use crate::db::{DbError, WriteTx};
use rusqlite::{OptionalExtension, Row, named_params, params};
use sotto_wire::frame::MAX_COMMITS;
use sotto_wire::payload::{Link, Mark, NO_MARK};
use std::collections::BTreeMap;

/// How far ahead of the last gapless frame a number may be. Twice what the ratchet reaches, and
/// less than the room between the ids of two messages (`messages::place`).
pub(crate) const WINDOW: u64 = 4000;

/// A group that was just joined.
pub(crate) struct NewReader<'a> {
    pub(crate) conversation: i64,
    pub(crate) device: i64,
    pub(crate) group_id: &'a [u8],
    pub(crate) epoch: u64,
    pub(crate) welcome_digest: &'a [u8; 32],
    pub(crate) first_contact_key: &'a [u8; 32],
}

/// A send group of a peer's device, as this device reads it.
pub(crate) struct Reader {
    pub(crate) row: i64,
    pub(crate) conversation: i64,
    pub(crate) device: i64,
    pub(crate) group_id: Vec<u8>,
    pub(crate) first_contact_key: [u8; 32],
    /// Every frame up to this number has been processed.
    processed: u64,
    /// The mark of that frame.
    mark: Mark,
    /// Frames beyond a gap.
    early: BTreeMap<u64, Early>,
    ack_due: bool,
    /// The epoch that was reached.
    epoch: u64,
    /// Commits that are done with, as far as this step has seen them; frames repeat them.
    done: Vec<Vec<u8>>,
    /// What memory holds is newer than the row.
    ahead: bool,
}

/// A frame beyond a gap.
struct Early {
    /// The message it brought.
    message: Option<i64>,
    link: Link,
}

const COLUMNS: &str =
    "id, conversation, peer_device, group_id, first_contact_key, processed, ack_due, mark, epoch";

impl Reader {
    /// Notes a group that was joined.
    pub(crate) fn insert(tx: &WriteTx<'_>, new: &NewReader<'_>) -> Result<Self, DbError> {
        tx.prepare_cached(
            "INSERT INTO read_group
               (conversation, peer_device, group_id, epoch, welcome_digest, first_contact_key)
             VALUES (:conversation, :device, :group, :epoch, :welcome, :key)",
        )?
        .execute(named_params! {
            ":conversation": new.conversation,
            ":device": new.device,
            ":group": new.group_id,
            ":epoch": new.epoch,
            ":welcome": new.welcome_digest,
            ":key": new.first_contact_key,
        })?;
        Ok(Self {
            row: tx.last_insert_rowid(),
            conversation: new.conversation,
            device: new.device,
            group_id: new.group_id.to_vec(),
            first_contact_key: *new.first_contact_key,
            processed: 0,
            mark: NO_MARK,
            early: BTreeMap::new(),
            ack_due: false,
            epoch: new.epoch,
            done: Vec::new(),
            ahead: false,
        })
    }

    pub(crate) fn by_group(tx: &WriteTx<'_>, group_id: &[u8]) -> Result<Option<Self>, DbError> {
        let sql = format!("SELECT {COLUMNS} FROM read_group WHERE group_id = ?1");
        let found = tx
            .prepare_cached(&sql)?
            .query_row([group_id], Self::from_row)
            .optional()?;
        found.map(|reader| reader.with_early(tx)).transpose()
    }

    pub(crate) fn by_welcome(tx: &WriteTx<'_>, digest: &[u8; 32]) -> Result<Option<Self>, DbError> {
        let sql = format!("SELECT {COLUMNS} FROM read_group WHERE welcome_digest = ?1");
        let found = tx
            .prepare_cached(&sql)?
            .query_row([digest], Self::from_row)
            .optional()?;
        found.map(|reader| reader.with_early(tx)).transpose()
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            row: row.get(0)?,
            conversation: row.get(1)?,
            device: row.get(2)?,
            group_id: row.get(3)?,
            first_contact_key: row.get(4)?,
            processed: row.get(5)?,
            mark: row.get(7)?,
            early: BTreeMap::new(),
            ack_due: row.get(6)?,
            epoch: row.get(8)?,
            done: Vec::new(),
            ahead: false,
        })
    }

    fn with_early(mut self, tx: &WriteTx<'_>) -> Result<Self, DbError> {
        let mut statement = tx.prepare_cached(
            "SELECT seq, message, mark, after FROM early_frame WHERE read_group = ?1",
        )?;
        self.early = statement
            .query_map([self.row], |row| {
                let (mark, after) = (row.get(2)?, row.get(3)?);
                let link = Link { after, mark };
                let message = row.get(1)?;
                Ok((row.get(0)?, Early { message, link }))
            })?
            .collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Whether the frame with this number has been processed.
    pub(crate) fn has(&self, seq: u64) -> bool {
        seq <= self.processed || self.early.contains_key(&seq)
    }

    /// Whether the number is further ahead than any honest sender's.
    pub(crate) fn is_beyond(&self, seq: u64) -> bool {
        seq > self.processed.saturating_add(WINDOW)
    }

    /// The nearest later frame that brought a message: how far it is ahead, and the message.
    pub(crate) fn later_message(&self, seq: u64) -> Option<(u64, i64)> {
        let mut later = self.early.range(seq.saturating_add(1)..);
        later.find_map(|(later, early)| early.message.map(|id| (later - seq, id)))
    }

    /// As [`Reader::later_message`], where the gap is in a group that this one has replaced: what is missing
    /// there comes first here (docs/protocol.md §3.6), and belongs before what was read beyond the gap.
    pub(crate) fn later_in_replaced(
        &self,
        tx: &WriteTx<'_>,
        seq: u64,
    ) -> Result<Option<(u64, i64)>, DbError> {
        // A frame without a message may come before those that were sealed anew.
        let found: Option<(u64, i64)> = tx
            .prepare_cached(
                "SELECT e.seq - r.processed + 1, e.message
                 FROM early_frame e JOIN read_group r ON r.id = e.read_group
                 WHERE r.peer_device = ?1 AND r.conversation = ?2 AND r.id < ?3
                   AND e.message IS NOT NULL
                 ORDER BY r.id DESC, e.seq LIMIT 1",
            )?
            .query_row(params![self.device, self.conversation, self.row], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        Ok(found.and_then(|(gap, later)| {
            let distance = gap.checked_sub(seq).filter(|it| *it > 0)?;
            Some((distance, later))
        }))
    }

    /// Whether a frame with this number and link cannot be of the same sequence as those that were
    /// processed: its sender was set back, and sealed another one under a number of before
    /// (docs/protocol.md §3.7).
    pub(crate) fn contradicts(&self, seq: u64, link: Link) -> bool {
        let mark_of = |seq: u64| match self.early.get(&seq) {
            Some(early) => early.link.mark,
            None if seq == self.processed => self.mark,
            None => NO_MARK,
        };
        let next = seq.checked_add(1).and_then(|next| self.early.get(&next));
        differ(mark_of(seq), link.mark)
            || differ(mark_of(seq.saturating_sub(1)), link.after)
            || next.is_some_and(|next| differ(next.link.after, link.mark))
    }

    /// Frames below `first` were acknowledged by this device and do not come again; `true` where it
    /// does not know them any more.
    pub(crate) fn skip_to(&mut self, tx: &WriteTx<'_>, first: u64) -> Result<bool, DbError> {
        let last = first.saturating_sub(1);
        if last <= self.processed {
            return Ok(false);
        }
        self.mark = self.early.get(&last).map_or(NO_MARK, |it| it.link.mark);
        self.processed = last;
        self.early = self.early.split_off(&first);
        self.close_gap();
        self.drop_early(tx)?;
        self.owe_ack();
        self.ahead = true;
        Ok(true)
    }

    /// The epoch in which the group is read.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Notes the epoch that a commit has led to.
    pub(crate) fn reach(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.ahead = true;
    }

    /// Notes a commit that there is nothing more to do about.
    pub(crate) fn is_done_with(&mut self, commit: &[u8]) {
        if self.done.len() >= MAX_COMMITS {
            self.done.remove(0);
        }
        self.done.push(commit.to_vec());
    }

    /// Whether there is nothing to do about a commit, as far as memory knows.
    pub(crate) fn is_done(&self, commit: &[u8]) -> bool {
        self.done.iter().any(|done| done == commit)
    }

    /// An acknowledgement has to go out.
    pub(crate) fn owe_ack(&mut self) {
        if !self.ack_due {
            self.ack_due = true;
            self.ahead = true;
        }
    }

    /// Notes a processed frame and the message it brought.
    pub(crate) fn accept(
        &mut self,
        tx: &WriteTx<'_>,
        seq: u64,
        link: Option<Link>,
        message: Option<i64>,
    ) -> Result<(), DbError> {
        let link = link.unwrap_or(UNKNOWN);
        self.owe_ack();
        self.ahead = true;
        if seq != self.processed + 1 {
            self.early.insert(seq, Early { message, link });
            tx.prepare_cached(
                "INSERT INTO early_frame (read_group, seq, message, mark, after)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![self.row, seq, message, link.mark, link.after])?;
            return Ok(());
        }
        self.processed = seq;
        self.mark = link.mark;
        if self.close_gap() {
            self.drop_early(tx)?;
        }
        Ok(())
    }

    /// Frames that came early and are next now count as processed.
    fn close_gap(&mut self) -> bool {
        let before = self.processed;
        while let Some(early) = self.early.remove(&(self.processed + 1)) {
            self.processed += 1;
            self.mark = early.link.mark;
        }
        self.processed > before
    }

    fn drop_early(&self, tx: &WriteTx<'_>) -> Result<(), DbError> {
        tx.prepare_cached("DELETE FROM early_frame WHERE read_group = ?1 AND seq <= ?2")?
            .execute(params![self.row, self.processed])?;
        Ok(())
    }

    /// Writes down what memory holds.
    pub(crate) fn flush(&mut self, tx: &WriteTx<'_>) -> Result<(), DbError> {
        if self.ahead {
            tx.prepare_cached(
                "UPDATE read_group SET processed = ?2, ack_due = ?3, mark = ?4, heard_at = ?5,
                   nudges = 0, epoch = ?6
                 WHERE id = ?1",
            )?
            .execute(params![
                self.row,
                self.processed,
                self.ack_due,
                self.mark,
                tx.clock_now_ms(),
                self.epoch
            ])?;
            self.ahead = false;
        }
        Ok(())
    }

    pub(crate) fn ack_due(&self) -> bool {
        self.ack_due
    }
}

/// A message that was read beyond a gap has come again, in the group that replaced it: nothing that comes
/// later belongs before it.
pub(crate) fn met_again(
    tx: &WriteTx<'_>,
    conversation: i64,
    mimi_id: &[u8; 32],
) -> Result<(), DbError> {
    tx.prepare_cached(
        "UPDATE early_frame SET message = NULL
         WHERE message = (SELECT id FROM message WHERE conversation = ?1 AND mimi_id = ?2)
           AND read_group IN (SELECT id FROM read_group WHERE conversation = ?1)",
    )?
    .execute(params![conversation, mimi_id])?;
    Ok(())
}

/// Of a frame that nothing is known of.
const UNKNOWN: Link = Link {
    after: NO_MARK,
    mark: NO_MARK,
};

fn differ(one: Mark, other: Mark) -> bool {
    one != NO_MARK && other != NO_MARK && one != other
}
