//! Commits that come with a frame (docs/protocol.md §3.8).

use super::Refusal;
use super::pass::Pass;
use crate::mls::{Commit, Message, MlsError};
use crate::outbox;
use rusqlite::OptionalExtension;
use std::cmp::Ordering;

impl Pass<'_, '_> {
    /// Follows the owner of a group as far as the commits of a frame lead. A frame whose message is
    /// of a later epoch even then is ahead.
    pub(super) fn catch_up(
        &mut self,
        group_id: &[u8],
        commits: &[Vec<u8>],
        message: &Message,
    ) -> Result<(), Refusal> {
        for bytes in commits {
            // Most frames repeat what came before.
            if self.reader(group_id)?.is_done(bytes) {
                continue;
            }
            let commit = Commit::parse(bytes)?;
            if commit.group_id() != group_id {
                return Err(Refusal::Envelope("commit.other-group"));
            }
            match commit.epoch().cmp(&self.reader(group_id)?.epoch()) {
                Ordering::Less => {}
                Ordering::Equal => self.follow(group_id, commit)?,
                Ordering::Greater => return Err(MlsError::Ahead.into()),
            }
            self.reader(group_id)?.is_done_with(bytes);
        }
        if message.epoch() > self.reader(group_id)?.epoch() {
            return Err(MlsError::Ahead.into());
        }
        Ok(())
    }

    fn follow(&mut self, group_id: &[u8], commit: Commit) -> Result<(), Refusal> {
        self.touch();
        let conversation = self.reader(group_id)?.conversation;
        let own: Option<Vec<u8>> = self
            .tx
            .prepare_cached("SELECT group_id FROM send_group WHERE conversation = ?1")?
            .query_row([conversation], |row| row.get(0))
            .optional()?;
        let retired = outbox::retired_groups(self.tx, conversation)?;
        let epoch = self.session.follow(commit, own.as_deref(), &retired)?;
        self.reader(group_id)?.reach(epoch);
        self.note_progress(conversation);
        Ok(())
    }
}
