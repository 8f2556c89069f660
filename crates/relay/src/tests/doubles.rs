//! A clock and a network that tests control.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use sotto_wire::did::Did;
use sotto_wire::time::{Clock, Timestamp};

use crate::accounts::{Account, Accounts, Unverified};

/// 2027-01-15, in seconds.
pub(crate) const START: u64 = 1_800_000_000;

/// A clock that tests move.
pub(crate) struct HandClock(AtomicU64);

impl Default for HandClock {
    fn default() -> Self {
        Self(AtomicU64::new(START * 1000))
    }
}

impl HandClock {
    pub(crate) fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Accounts by hand.
#[derive(Default)]
pub(crate) struct Published {
    accounts: Mutex<HashMap<Did, Result<Account, Unverified>>>,
    pub(crate) asked: AtomicU64,
}

impl Published {
    pub(crate) fn set(&self, did: &Did, outcome: Result<Account, Unverified>) {
        self.accounts.lock().unwrap().insert(did.clone(), outcome);
    }
}

#[async_trait]
impl Accounts for Published {
    async fn verify(&self, did: &Did, _now: Timestamp) -> Result<Account, Unverified> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.accounts
            .lock()
            .unwrap()
            .get(did)
            .cloned()
            .unwrap_or(Err(Unverified::Refused))
    }
}
