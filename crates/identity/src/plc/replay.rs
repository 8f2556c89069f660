//! The rules of did:plc, from the first operation on: which operation may follow which, and which
//! of them are in force.

use sotto_wire::did::Did;

use super::entry::Entry;
use super::operation::{self, State};
use super::{KnownLog, LogError};

/// How long an operation can be overruled, in milliseconds: 72 hours.
pub(super) const RECOVERY_WINDOW: u64 = 72 * 60 * 60 * 1000;

/// A log that follows the rules.
pub(super) struct Replayed {
    /// Of every entry: the place of its signer among the rotation keys that it was signed under.
    pub(super) signers: Vec<u8>,
    /// The entries in force, oldest first.
    pub(super) valid: Vec<usize>,
}

struct Replay<'a> {
    entries: &'a [Entry],
    known: Option<&'a KnownLog>,
    signers: Vec<u8>,
    valid: Vec<usize>,
}

pub(super) fn replay(
    entries: &[Entry],
    did: &Did,
    known: Option<&KnownLog>,
) -> Result<Replayed, LogError> {
    let mut replay = Replay {
        entries,
        known,
        signers: Vec::with_capacity(entries.len()),
        valid: Vec::new(),
    };
    let mut dated = 0;
    for (index, entry) in entries.iter().enumerate() {
        if entry.created_at < dated {
            return Err(LogError::BrokenChain);
        }
        dated = entry.created_at;
        match index {
            0 => replay.genesis(entry, did)?,
            _ => replay.next(index, entry)?,
        }
        replay.valid.push(index);
    }
    replay.check_nullified()?;
    Ok(Replayed {
        signers: replay.signers,
        valid: replay.valid,
    })
}

impl<'a> Replay<'a> {
    fn genesis(&mut self, entry: &Entry, did: &Did) -> Result<(), LogError> {
        if operation::did_of(&entry.digest) != did.as_str() {
            return Err(LogError::WrongGenesis);
        }
        match (&entry.operation.prev, &entry.operation.state) {
            (None, Some(state)) => self.signed(0, entry, state).map(drop),
            _ => Err(LogError::BrokenChain),
        }
    }

    fn next(&mut self, index: usize, entry: &Entry) -> Result<(), LogError> {
        let place = self.place_of(entry).ok_or(LogError::BrokenChain)?;
        let base = self.valid_entry(place).ok_or(LogError::BrokenChain)?;
        let state = base.operation.state.as_ref();
        // Nothing follows a tombstone; it can only be overruled.
        let signer = self.signed(index, entry, state.ok_or(LogError::BrokenChain)?)?;
        if let Some(&overruled) = self.valid.get(place + 1) {
            self.check_fork(index, entry, signer, overruled)?;
        }
        self.valid.truncate(place + 1);
        Ok(())
    }

    /// The place in `valid` of the operation that `entry` follows.
    fn place_of(&self, entry: &Entry) -> Option<usize> {
        let prev = entry.operation.prev.as_deref()?;
        (0..self.valid.len())
            .rev()
            .find(|&place| self.valid_entry(place).is_some_and(|it| it.cid == prev))
    }

    fn valid_entry(&self, place: usize) -> Option<&'a Entry> {
        self.entries.get(*self.valid.get(place)?)
    }

    /// Who signed an entry: as found before, or found now.
    fn signed(&mut self, index: usize, entry: &Entry, state: &State) -> Result<u8, LogError> {
        let signer = self
            .known
            .and_then(|known| known.signer(index))
            .or_else(|| entry.operation.signer(&state.rotation_keys))
            .ok_or(LogError::Forged)?;
        self.signers.push(signer);
        Ok(signer)
    }

    /// Only a stronger key overrules, and only for 72 hours: by the directory's dates, and, for an
    /// operation that was seen before and not overruled in time, also by our own clock.
    fn check_fork(
        &self,
        index: usize,
        entry: &Entry,
        signer: u8,
        overruled: usize,
    ) -> Result<(), LogError> {
        let weaker = self.signers.get(overruled).copied();
        let since = self.entries.get(overruled).map(|it| it.created_at);
        let in_time = since.is_some_and(|since| entry.created_at - since <= RECOVERY_WINDOW);
        let is_new = |known: &KnownLog| known.signer(index).is_none();
        let too_late = self
            .known
            .is_some_and(|known| is_new(known) && known.is_final(overruled));
        if weaker.is_some_and(|weaker| signer < weaker) && in_time && !too_late {
            Ok(())
        } else {
            Err(LogError::IllegalFork)
        }
    }

    /// The directory's marks are what the rules give.
    fn check_nullified(&self) -> Result<(), LogError> {
        let mut valid = self.valid.iter().peekable();
        for (index, entry) in self.entries.iter().enumerate() {
            let in_force = valid.next_if_eq(&&index).is_some();
            if entry.nullified == in_force {
                return Err(LogError::FalseNullification);
            }
        }
        Ok(())
    }
}
