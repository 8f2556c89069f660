//! When the own send group heals: commits before sealing (docs/protocol.md §3.8).

use super::SendGroup;
use super::frame::Sealer;
use crate::db::WriteTx;
use crate::messages::EngineError;
use crate::mls::MAX_PAST_EPOCHS;
use crate::outbox::{Staple, insert_commit, staples};
use rusqlite::params;

/// Messages that are sealed in one epoch.
const MAX_SEALED: u64 = 100;
/// How long an epoch is in use, in milliseconds.
const MAX_AGE: u64 = 24 * 60 * 60 * 1000;
/// Commits without acknowledgement after which only a reopened database makes another one.
const MAX_ROUTINE: usize = 4;

/// How the own send group stands.
pub(super) struct Health {
    /// What is stored may be older than what was sent: the database was opened since.
    reopened: bool,
    epoch_at: u64,
    sealed: u64,
    last_resort: bool,
    /// The newest group of each device of the peer.
    sources: Vec<Source>,
    staples: Vec<Staple>,
}

struct Source {
    read_group: i64,
    group_id: Vec<u8>,
    epoch: u64,
    mixed: bool,
}

impl Health {
    pub(super) fn load(
        tx: &WriteTx<'_>,
        conversation: i64,
        group: &SendGroup,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            reopened: group.session != Some(tx.session()),
            epoch_at: group.epoch_at,
            sealed: group.sealed,
            last_resort: group.last_resort,
            sources: sources(tx, conversation, group.row)?,
            staples: staples(tx, group.row)?,
        })
    }

    /// Nothing but a commit may be sealed next.
    pub(super) fn reopened(&self) -> bool {
        self.reopened
    }

    /// A commit has to be made, and there may be no more of them: frames that were lost on the way
    /// would belong to an epoch that nobody reads any more. Another group has to take its place.
    pub(super) fn is_worn_out(&self) -> bool {
        self.reopened && self.staples.len() >= MAX_PAST_EPOCHS
    }

    fn commit_is_due(&self, now: u64) -> bool {
        let routine = self.sealed >= MAX_SEALED
            // Also where the clock was set back by as much.
            || now.abs_diff(self.epoch_at) >= MAX_AGE
            || self.sources.iter().any(|source| !source.mixed);
        self.reopened || routine && self.staples.len() < MAX_ROUTINE
    }

    /// One more message was sealed in the present epoch.
    pub(super) fn count(&mut self) {
        self.sealed += 1;
    }

    /// The commits that a device may lack which has acknowledged every frame up to `acked`.
    pub(super) fn staples(&self, acked: u64) -> Vec<Vec<u8>> {
        self.staples
            .iter()
            .filter(|staple| staple.first_seq > acked)
            .map(|staple| staple.bytes.clone())
            .collect()
    }

    pub(super) fn store(&self, tx: &WriteTx<'_>, group: i64) -> Result<(), EngineError> {
        tx.prepare_cached(
            "UPDATE send_group SET session = ?2, epoch_at = ?3, sealed = ?4, last_resort = ?5
             WHERE id = ?1",
        )?
        .execute(params![
            group,
            tx.session(),
            self.epoch_at,
            self.sealed,
            self.last_resort
        ])?;
        Ok(())
    }
}

impl Sealer<'_, '_> {
    /// Makes a commit where one is due. To be called before a sequenced frame, which must arrive and
    /// brings the commit along, and before whatever else is the first after a reopening.
    pub(super) fn heal(&mut self) -> Result<(), EngineError> {
        let now = self.tx.clock_now_ms();
        if !self.health.commit_is_due(now) {
            return Ok(());
        }
        let mix: Vec<Vec<u8>> = self
            .health
            .sources
            .iter()
            .map(|source| source.group_id.clone())
            .collect();
        let made = self
            .session
            .commit(&self.group.group_id, &self.own.device_key, &mix)?;
        let staple = Staple {
            first_seq: self.next_seq,
            bytes: made.bytes,
        };
        insert_commit(self.tx, self.group.row, made.epoch, &staple)?;
        for source in &mut self.health.sources {
            note_mixed(self.tx, self.group.row, source)?;
            source.mixed = true;
        }
        self.health.staples.push(staple);
        self.health.last_resort &= mix.is_empty();
        self.health.reopened = false;
        self.health.epoch_at = now;
        self.health.sealed = 0;
        Ok(())
    }
}

fn note_mixed(tx: &WriteTx<'_>, group: i64, source: &Source) -> Result<(), EngineError> {
    tx.prepare_cached(
        "INSERT INTO mixed_epoch (send_group, read_group, epoch) VALUES (?1, ?2, ?3)
         ON CONFLICT (send_group, read_group) DO UPDATE SET epoch = ?3",
    )?
    .execute(params![group, source.read_group, source.epoch])?;
    Ok(())
}

/// A group that was begun anew for the sake of repair mixes nothing in until it is acknowledged: the
/// peer's device may have been set back to before the epoch in which its group is read here, and could
/// follow no such commit, in this group or any later one.
/// Nor is a group mixed in that cannot be read (§3.7): its owner may have forgotten the epoch that was read last.
fn sources(tx: &WriteTx<'_>, conversation: i64, group: i64) -> Result<Vec<Source>, EngineError> {
    let mut statement = tx.prepare_cached(
        "SELECT r.id, r.group_id, r.epoch, coalesce(mixed.epoch >= r.epoch, 0)
         FROM send_member member
         JOIN read_group r ON r.id =
           (SELECT max(id) FROM read_group
            WHERE conversation = ?2 AND peer_device = member.peer_device)
         LEFT JOIN mixed_epoch mixed
           ON mixed.send_group = member.send_group AND mixed.read_group = r.id
         WHERE member.send_group = ?1
           AND (member.acked > 0 OR NOT EXISTS (SELECT 1 FROM renewal WHERE conversation = ?2))
           AND NOT EXISTS (SELECT 1 FROM lost_group
                           WHERE conversation = ?2 AND name = r.group_id)
         ORDER BY r.id",
    )?;
    let sources = statement
        .query_map([group, conversation], |row| {
            Ok(Source {
                read_group: row.get(0)?,
                group_id: row.get(1)?,
                epoch: row.get(2)?,
                mixed: row.get(3)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(sources)
}
