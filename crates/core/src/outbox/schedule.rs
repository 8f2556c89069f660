//! When a put is tried again (docs/protocol.md §3.3).

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// After this many milliseconds without acknowledgement a message has failed.
pub(super) const EXPIRY: u64 = 30 * DAY;

/// Milliseconds from the `accepted`-th time a relay took the bytes to the next put of them.
pub(super) fn until_repeat(accepted: u64) -> u64 {
    match accepted {
        0 | 1 => 5 * MINUTE,
        2 => 30 * MINUTE,
        3 => 2 * HOUR,
        4 => 12 * HOUR,
        _ => DAY,
    }
}

/// Milliseconds from the `failures`-th time in a row that a relay was not reached to the next try:
/// 2 s, doubling up to a minute. Coming back online does not wait for it (`outbox::due_now`).
pub(super) fn until_retry(failures: u64) -> u64 {
    let exponent = u32::try_from(failures.min(8)).unwrap_or(8);
    (SECOND << exponent).min(MINUTE)
}

/// Keeps what a relay asks for within reason: from a second to an hour.
pub(super) fn bounded(retry_after: u64) -> u64 {
    retry_after.clamp(SECOND, HOUR)
}
