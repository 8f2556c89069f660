//! How long to wait before the next attempt.

use sotto_wire::random::{self, Random};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Doubling from a second to a minute, with jitter, so that the clients of a relay that comes back
/// do not come back together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// After so many failures.
    pub(super) fn after(failures: u32) -> Self {
        Self { failures }
    }

    /// The wait after one more failure: between half and all of the current step.
    pub(super) fn next(&mut self, random: &dyn Random) -> Duration {
        let step = FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let share = u32::from(u16::from_be_bytes(random::array(random)));
        step / 2 + (step / 2).mul_f64(f64::from(share) / f64::from(u16::MAX))
    }

    /// It worked.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Random for Fixed {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }

    #[test]
    fn doubles_up_to_a_minute_and_begins_anew() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..9)
            .map(|_| backoff.next(&Fixed(255)).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff.next(&Fixed(0)).as_secs(), 30);
        backoff.reset();
        assert_eq!(backoff.next(&Fixed(255)).as_secs(), 1);
    }
}
