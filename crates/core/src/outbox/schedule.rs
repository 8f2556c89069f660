//! When a put is tried again (docs/protocol.md §3.3).

use sotto_wire::random::{self, Random};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// After this many milliseconds without acknowledgement a message has failed.
pub(super) const EXPIRY: u64 = 30 * DAY;

/// Nothing waits for longer than this, in milliseconds. A put that seems to was written down by a
/// clock that has gone back since: it is due.
pub(super) const LONGEST: u64 = 2 * DAY;

/// Milliseconds from the `accepted`-th time a relay took the bytes to the next put of them: shorter
/// than its step by up to a tenth, at random.
pub(super) fn until_repeat(accepted: u64, random: &dyn Random) -> u64 {
    let step = match accepted {
        0 | 1 => 5 * MINUTE,
        2 => 30 * MINUTE,
        3 => 2 * HOUR,
        4 => 12 * HOUR,
        _ => DAY,
    };
    step - part(step / 10, random)
}

/// Milliseconds from the `failures`-th time in a row that a relay was not reached to the next try:
/// between half and all of 2 s, doubling up to a minute. Coming back online does not wait for it
/// (`outbox::due_now`).
pub(super) fn until_retry(failures: u64, random: &dyn Random) -> u64 {
    let exponent = u32::try_from(failures.min(8)).unwrap_or(8);
    let step = (SECOND << exponent).min(MINUTE);
    step - part(step / 2, random)
}

/// Keeps what a relay asks for within reason, from a second to an hour, and adds up to a tenth: those
/// who were all turned away at once must not come back at once.
pub(super) fn bounded(retry_after: u64, random: &dyn Random) -> u64 {
    let wait = retry_after.clamp(SECOND, HOUR);
    wait + part(wait / 10, random)
}

/// Between nothing and all of `most`, at random.
fn part(most: u64, random: &dyn Random) -> u64 {
    let share = u64::from(u16::from_be_bytes(random::array(random)));
    most * share / u64::from(u16::MAX)
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
    fn repeats_and_retries_are_spread_and_bounded() {
        let (least, most) = (Fixed(0), Fixed(255));
        assert_eq!(until_repeat(1, &least), 5 * MINUTE);
        assert_eq!(until_repeat(1, &most), 5 * MINUTE - 30 * SECOND);
        assert_eq!(until_repeat(9, &least), DAY);
        assert_eq!(until_retry(1, &least), 2 * SECOND);
        assert_eq!(until_retry(1, &most), SECOND);
        assert_eq!(until_retry(99, &least), MINUTE);
        assert_eq!(bounded(0, &least), SECOND);
        assert_eq!(bounded(u64::MAX, &most), HOUR + HOUR / 10);
        for accepted in 0..10 {
            assert!(until_repeat(accepted, &least) < LONGEST);
        }
    }
}
