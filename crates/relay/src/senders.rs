//! Verified accounts, remembered for a while: senders of first contacts, claimants, registrants.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sotto_wire::device::DeviceCertificate;
use sotto_wire::did::Did;
use sotto_wire::time::Clock;
use tokio::sync::Semaphore;

use crate::accounts::{Account, Accounts, Declaration, Unverified};

/// How long a verified account is believed without asking again, in milliseconds.
const POSITIVE_MS: u64 = 600_000;
/// The same for one that did not verify.
const NEGATIVE_MS: u64 = 30_000;
/// Accounts remembered at once.
const MAX_REMEMBERED: usize = 10_000;

struct Remembered {
    outcome: Result<Account, Unverified>,
    at_ms: u64,
    /// When a certificate that did not fit last had the account asked again.
    doubted_ms: Option<u64>,
}

/// Verifies accounts, with a memory and a bound on how many at a time.
pub(crate) struct Senders {
    accounts: Arc<dyn Accounts>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    permits: Semaphore,
    memory: Mutex<HashMap<Did, Remembered>>,
}

impl Senders {
    /// Asks `accounts`, at most `concurrent` at a time and each for at most `timeout`.
    pub(crate) fn new(
        accounts: Arc<dyn Accounts>,
        clock: Arc<dyn Clock>,
        concurrent: u64,
        timeout: Duration,
    ) -> Self {
        let concurrent = usize::try_from(concurrent).unwrap_or(usize::MAX);
        Self {
            accounts,
            clock,
            timeout,
            permits: Semaphore::new(concurrent.min(Semaphore::MAX_PERMITS)),
            memory: Mutex::new(HashMap::new()),
        }
    }

    /// The account as it was found at most ten minutes ago.
    pub(crate) async fn verify(&self, did: &Did) -> Result<Account, Unverified> {
        match self.remembered(did) {
            Some(outcome) => outcome,
            None => self.verify_now(did).await,
        }
    }

    /// The account as it is now.
    pub(crate) async fn verify_now(&self, did: &Did) -> Result<Account, Unverified> {
        let asking = self.accounts.verify(did, self.clock.now());
        let outcome = self.bounded(asking).await;
        self.remember(did, outcome.clone());
        outcome
    }

    /// What the account declares now.
    pub(crate) async fn declared(&self, did: &Did) -> Result<Declaration, Unverified> {
        let asking = self.accounts.declared(did, self.clock.now());
        let outcome = self.bounded(asking).await;
        let account = outcome.clone().map(|declared| declared.account);
        self.remember(did, account.and_then(|it| it.ok_or(Unverified::Refused)));
        outcome
    }

    async fn bounded<T>(
        &self,
        asking: impl Future<Output = Result<T, Unverified>>,
    ) -> Result<T, Unverified> {
        let permitted = async {
            let _permit = self
                .permits
                .acquire()
                .await
                .map_err(|_| Unverified::Unreachable)?;
            asking.await
        };
        tokio::time::timeout(self.timeout, permitted)
            .await
            .unwrap_or(Err(Unverified::Unreachable))
    }

    /// The account, and one of its devices by certificate.
    pub(crate) async fn verify_device(
        &self,
        did: &Did,
        certificate: &[u8],
    ) -> Result<(Account, DeviceCertificate), Unverified> {
        let check = |account: &Account| {
            DeviceCertificate::verify(certificate, &account.key, did, self.clock.now()).ok()
        };
        self.verify_by(did, check).await
    }

    /// The account, and what `check` makes of something that its key has signed. What does not fit what
    /// is remembered may belong to a newer key: the account is asked again at once, however lately it
    /// was asked, but for such a doubt not more often than failed accounts are.
    pub(crate) async fn verify_by<T>(
        &self,
        did: &Did,
        check: impl Fn(&Account) -> Option<T>,
    ) -> Result<(Account, T), Unverified> {
        let from_memory = self.remembered(did).is_some();
        let account = self.verify(did).await?;
        if let Some(checked) = check(&account) {
            return Ok((account, checked));
        }
        if !from_memory || !self.may_doubt(did) {
            return Err(Unverified::Refused);
        }
        let account = self.verify_now(did).await?;
        let checked = check(&account).ok_or(Unverified::Refused)?;
        Ok((account, checked))
    }

    /// What is remembered.
    fn remembered(&self, did: &Did) -> Option<Result<Account, Unverified>> {
        let now = self.clock.now_ms();
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = memory.get(did)?;
        is_fresh(remembered, now).then(|| remembered.outcome.clone())
    }

    /// Whether what is remembered may be doubted again; notes that it is.
    fn may_doubt(&self, did: &Did) -> bool {
        let now = self.clock.now_ms();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(remembered) = memory.get_mut(did) else {
            return true;
        };
        let lately = |at: u64| now.checked_sub(at).is_some_and(|age| age < NEGATIVE_MS);
        if remembered.doubted_ms.is_some_and(lately) {
            return false;
        }
        remembered.doubted_ms = Some(now);
        true
    }

    fn remember(&self, did: &Did, outcome: Result<Account, Unverified>) {
        let now = self.clock.now_ms();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= MAX_REMEMBERED {
            memory.retain(|_, remembered| is_fresh(remembered, now));
        }
        if memory.len() >= MAX_REMEMBERED {
            memory.clear();
        }
        let doubted_ms = memory.get(did).and_then(|before| before.doubted_ms);
        let remembered = Remembered {
            outcome,
            at_ms: now,
            doubted_ms,
        };
        memory.insert(did.clone(), remembered);
    }
}

fn is_fresh(remembered: &Remembered, now_ms: u64) -> bool {
    let lifetime = if remembered.outcome.is_ok() {
        POSITIVE_MS
    } else {
        NEGATIVE_MS
    };
    now_ms
        .checked_sub(remembered.at_ms)
        .is_some_and(|age| age < lifetime)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;
    use sotto_wire::did::Did;
    use sotto_wire::time::{SystemClock, Timestamp};

    use super::{Account, Accounts, Declaration, MAX_REMEMBERED, Senders, Unverified};

    /// A network that never answers, and counts who waits.
    #[derive(Default)]
    struct Silent {
        waiting: AtomicUsize,
    }

    #[async_trait]
    impl Accounts for Silent {
        async fn verify(&self, _: &Did, _: Timestamp) -> Result<Account, Unverified> {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            std::future::pending().await
        }

        async fn declared(&self, _: &Did, _: Timestamp) -> Result<Declaration, Unverified> {
            std::future::pending().await
        }
    }

    fn did(n: usize) -> Did {
        Did::parse(&format!("did:web:p{n}.example")).expect("did")
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_in_time_and_asks_for_few_at_once() {
        let silent = Arc::new(Silent::default());
        let accounts = Arc::clone(&silent) as Arc<dyn Accounts>;
        let timeout = Duration::from_secs(10);
        let senders = Arc::new(Senders::new(accounts, Arc::new(SystemClock), 3, timeout));
        let tasks: Vec<_> = (0..10)
            .map(|n| {
                let senders = Arc::clone(&senders);
                tokio::spawn(async move { senders.verify(&did(n)).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert_eq!(silent.waiting.load(Ordering::SeqCst), 3);
        for task in tasks {
            assert_eq!(task.await.expect("task"), Err(Unverified::Unreachable));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let silent = Arc::new(Silent::default());
        let senders = Senders::new(silent, Arc::new(SystemClock), 1, Duration::ZERO);
        for n in 0..=MAX_REMEMBERED {
            senders.remember(&did(n), Err(Unverified::Refused));
        }
        assert!(senders.memory.lock().expect("lock").len() <= MAX_REMEMBERED);
    }
}
