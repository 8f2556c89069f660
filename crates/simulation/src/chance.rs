//! Everything random of a run, out of its seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};
use sotto_wire::random::Random;
use std::sync::{Mutex, PoisonError};

/// One stream of randomness. Each part of a run has its own, so that what one of them draws does not
/// change what the others are given.
pub struct Chance(Mutex<ChaCha8Rng>);

impl Chance {
    /// The stream `of` a seed.
    pub fn new(seed: u64, of: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(seed.to_be_bytes())
            .chain_update(of)
            .finalize();
        Self(Mutex::new(ChaCha8Rng::from_seed(digest.into())))
    }

    /// Less than `bound`, and 0 where that is 0.
    pub fn below(&self, bound: u64) -> u64 {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Off by less than a billionth: nobody counts here.
        rng.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// From `from` to `to`, both included.
    pub fn between(&self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }

    /// True this many times in a thousand.
    pub fn per_mille(&self, share: u64) -> bool {
        self.below(1000) < share
    }

    /// One of them.
    pub fn of<'a, T>(&self, choices: &'a [T]) -> Option<&'a T> {
        let index = self.below(choices.len() as u64);
        choices.get(usize::try_from(index).ok()?)
    }
}

impl Random for Chance {
    fn fill(&self, out: &mut [u8]) {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rng.fill_bytes(out);
    }
}
