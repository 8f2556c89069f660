//! A clock that runs on, and can be moved.

use sotto_wire::time::{Clock, SystemClock};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The system's clock, ahead by as much as a test has moved it.
#[derive(Debug, Default)]
pub struct MovableClock {
    ahead_ms: AtomicU64,
}

impl MovableClock {
    /// Lets this much time pass at once.
    pub fn pass(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).expect("within reason");
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Takes back what was let pass: the clock was wrong, and is set.
    pub fn set_back(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).expect("within reason");
        self.ahead_ms.fetch_sub(ms, Ordering::Relaxed);
    }
}

impl Clock for MovableClock {
    fn now_ms(&self) -> u64 {
        SystemClock.now_ms() + self.ahead_ms.load(Ordering::Relaxed)
    }
}
