//! Random numbers that a seed decides (SplitMix64).

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// A source of random numbers.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// A seed for a run that names none.
    #[must_use]
    pub fn seed() -> u64 {
        RandomState::new().hash_one("seed") % 1_000_000
    }

    /// Dice that a seed decides.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0, below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    /// Other dice, decided by these.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.roll())
    }

    /// Waits up to `ms` milliseconds.
    pub async fn pause(&mut self, ms: u64) {
        let ms = self.below(ms + 1);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}
