//! Time: the runtime's, which stands still while anyone works, and jumps of everybody's clock.

use sotto_wire::time::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tokio::time::Instant;

/// The time of the simulated world.
pub struct World {
    start_ms: u64,
    since: Instant,
    /// Time that passed while every machine slept.
    slept_ms: AtomicU64,
}

impl World {
    /// Begins at `start_ms`, milliseconds since 1970.
    pub fn new(start_ms: u64) -> Arc<Self> {
        Arc::new(Self {
            start_ms,
            since: Instant::now(),
            slept_ms: AtomicU64::new(0),
        })
    }

    /// Milliseconds since the world began.
    pub fn elapsed_ms(&self) -> u64 {
        let awake = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        awake + self.slept_ms.load(Ordering::Relaxed)
    }

    /// Every machine is asleep for this long.
    pub fn sleep(&self, ms: u64) {
        self.slept_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// How long machines have slept.
    pub fn slept_ms(&self) -> u64 {
        self.slept_ms.load(Ordering::Relaxed)
    }
}

impl Clock for World {
    fn now_ms(&self) -> u64 {
        self.start_ms + self.elapsed_ms()
    }
}

/// The clock of one machine, which may be wrong.
pub struct Watch {
    world: Arc<World>,
    wrong_by_ms: AtomicI64,
}

impl Watch {
    /// A clock that is wrong by this much.
    pub fn new(world: &Arc<World>, wrong_by_ms: i64) -> Arc<Self> {
        Arc::new(Self {
            world: Arc::clone(world),
            wrong_by_ms: AtomicI64::new(wrong_by_ms),
        })
    }

    /// Somebody sets it.
    pub fn set(&self, wrong_by_ms: i64) {
        self.wrong_by_ms.store(wrong_by_ms, Ordering::Relaxed);
    }
}

impl Clock for Watch {
    fn now_ms(&self) -> u64 {
        let wrong = self.wrong_by_ms.load(Ordering::Relaxed);
        self.world.now_ms().saturating_add_signed(wrong)
    }
}
