//! A clock and a network that tests control.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use sotto_wire::did::Did;
use sotto_wire::time::{Clock, Timestamp};

use crate::accounts::{Account, Accounts, Declaration, Unverified};

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

/// What a repository says, and its revision.
#[derive(Clone)]
struct Repository {
    rev: String,
    outcome: Result<Option<Account>, Unverified>,
}

/// Accounts by hand. Every change makes a later revision.
#[derive(Default)]
pub(crate) struct Published {
    accounts: Mutex<HashMap<Did, Repository>>,
    changes: AtomicU64,
    pub(crate) asked: AtomicU64,
    /// Looks at declarations.
    pub(crate) looked: AtomicU64,
}

impl Published {
    pub(crate) fn set(&self, did: &Did, outcome: Result<Account, Unverified>) {
        self.insert(did, outcome.map(Some));
    }

    /// The record is gone.
    pub(crate) fn remove(&self, did: &Did) {
        self.insert(did, Ok(None));
    }

    /// What is published at the moment, to be put back with its revision.
    pub(crate) fn image(&self, did: &Did) -> impl Fn(&Self) + use<> {
        let (did, image) = (did.clone(), self.accounts.lock().unwrap()[did].clone());
        move |published| {
            let mut accounts = published.accounts.lock().unwrap();
            accounts.insert(did.clone(), image.clone());
        }
    }

    fn insert(&self, did: &Did, outcome: Result<Option<Account>, Unverified>) {
        let rev = format!("{:013}", self.changes.fetch_add(1, Ordering::SeqCst));
        let mut accounts = self.accounts.lock().unwrap();
        accounts.insert(did.clone(), Repository { rev, outcome });
    }

    fn find(&self, did: &Did) -> Result<Declaration, Unverified> {
        let found = self.accounts.lock().unwrap().get(did).cloned();
        let Repository { rev, outcome } = found.ok_or(Unverified::Refused)?;
        let account = outcome?.map(|account| Account {
            rev: rev.clone(),
            ..account
        });
        Ok(Declaration { rev, account })
    }
}

#[async_trait]
impl Accounts for Published {
    async fn verify(&self, did: &Did, _now: Timestamp) -> Result<Account, Unverified> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.find(did)?.account.ok_or(Unverified::Refused)
    }

    async fn declared(&self, did: &Did, _now: Timestamp) -> Result<Declaration, Unverified> {
        self.looked.fetch_add(1, Ordering::SeqCst);
        self.find(did)
    }
}
