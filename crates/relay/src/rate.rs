//! Token buckets in memory: who asks too often waits. Nothing here is written down.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Buckets remembered at once; a flood of keys costs no more memory than this.
const MAX_BUCKETS: usize = 20_000;

struct Bucket {
    tokens: f64,
    at_ms: u64,
}

/// One bucket per key, each holding `capacity` tokens that come back within `period_ms`.
pub(crate) struct Buckets<K> {
    capacity: f64,
    period_ms: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash> Buckets<K> {
    /// Buckets of `capacity` tokens that refill completely within `period_ms` milliseconds.
    pub(crate) fn new(capacity: u64, period_ms: u32) -> Self {
        let capacity = f64::from(u32::try_from(capacity).unwrap_or(u32::MAX));
        Self {
            capacity,
            period_ms: f64::from(period_ms),
            buckets: Mutex::new(HashMap::new()),
        }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// The seconds after which there will be one.
    pub(crate) fn take(&self, key: K, now_ms: u64) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| self.level(bucket, now_ms) < self.capacity);
            if buckets.len() >= MAX_BUCKETS {
                // Forgetting favours the asker; refusing would let a flood lock everyone out.
                buckets.clear();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket {
            tokens: self.capacity,
            at_ms: now_ms,
        });
        bucket.tokens = self.level(bucket, now_ms);
        bucket.at_ms = now_ms;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let wait_ms = (1.0 - bucket.tokens) * self.period_ms / self.capacity;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number of seconds no larger than the period"
        )]
        let seconds = (wait_ms / 1000.0).ceil() as u64;
        Err(seconds.max(1))
    }

    fn level(&self, bucket: &Bucket, now_ms: u64) -> f64 {
        let elapsed = u32::try_from(now_ms.saturating_sub(bucket.at_ms)).unwrap_or(u32::MAX);
        let back = f64::from(elapsed) / self.period_ms * self.capacity;
        (bucket.tokens + back).min(self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::{Buckets, MAX_BUCKETS};

    #[test]
    fn refuses_when_empty_and_refills() {
        let buckets = Buckets::new(2, 60_000);
        assert_eq!(buckets.take("a", 0), Ok(()));
        assert_eq!(buckets.take("a", 0), Ok(()));
        assert_eq!(buckets.take("a", 0), Err(30));
        assert_eq!(buckets.take("b", 0), Ok(()), "another key has its own");
        assert_eq!(buckets.take("a", 29_000), Err(1));
        assert_eq!(buckets.take("a", 30_500), Ok(()));
    }

    #[test]
    fn a_clock_that_goes_back_does_no_harm() {
        let buckets = Buckets::new(1, 1000);
        assert_eq!(buckets.take(1, 5000), Ok(()));
        assert!(buckets.take(1, 1000).is_err());
        assert_eq!(buckets.take(1, 2100), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let buckets = Buckets::new(1, 1000);
        for key in 0..(MAX_BUCKETS * 2) {
            buckets.take(key, 0).expect("fresh key");
        }
        assert!(buckets.buckets.lock().expect("lock").len() <= MAX_BUCKETS);
    }
}
