//! Jobs that failed and are not to be tried again at once.

use crate::delivery::backoff::Backoff;
use sotto_wire::random::Random;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;
use tokio::time::Instant;

/// For what time alone does not cure.
const LONG: Duration = Duration::from_secs(10 * 60);

/// Who waits, and until when.
#[derive(Debug)]
pub(super) struct Waits<K>(HashMap<K, Wait>);

#[derive(Debug, Default, Clone, Copy)]
struct Wait {
    backoff: Backoff,
    until: Option<Instant>,
}

impl<K> Default for Waits<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Waits<K> {
    /// Whether its time has not come.
    pub(super) fn is_waiting(&self, key: &K) -> bool {
        self.0
            .get(key)
            .and_then(|wait| wait.until)
            .is_some_and(|until| until > Instant::now())
    }

    /// One more failure.
    pub(super) fn wait(&mut self, key: K, random: &dyn Random) {
        let wait = self.0.entry(key).or_default();
        wait.until = Some(Instant::now() + wait.backoff.next(random));
    }

    /// A failure that will most likely happen again.
    pub(super) fn wait_long(&mut self, key: K) {
        self.0.entry(key).or_default().until = Some(Instant::now() + LONG);
    }

    /// It worked.
    pub(super) fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }

    /// Nobody waits any more.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// How long until the first of them may try again.
    pub(super) fn shortest(&self) -> Option<Duration> {
        let now = Instant::now();
        let until = self
            .0
            .values()
            .filter_map(|wait| wait.until)
            .filter(|until| *until > now);
        until.min().map(|until| until - now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotto_wire::random::OsRandom;

    #[tokio::test(start_paused = true)]
    async fn waits_and_is_let_go() {
        let mut waits = Waits::default();
        assert!(!waits.is_waiting(&1));
        waits.wait(1, &OsRandom);
        waits.wait_long(2);
        assert!(waits.is_waiting(&1) && waits.shortest().unwrap() <= Duration::from_secs(1));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!waits.is_waiting(&1) && waits.is_waiting(&2));
        waits.clear();
        assert!(!waits.is_waiting(&2) && waits.shortest().is_none());
    }
}
