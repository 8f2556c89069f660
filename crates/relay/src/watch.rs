//! Watching what the registered accounts declare (§4.3): now and then, and soon where an account is in
//! use. Which account is due is in the store, so several processes share the work; whoever takes one
//! has it for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use sotto_wire::cbor;
use sotto_wire::did::Did;
use sotto_wire::random;
use sotto_wire::relay_api::Paused;

use crate::accounts::{Account, Unverified};
use crate::admission;
use crate::error::ApiError;
use crate::state::{State, seconds};
use crate::store::accounts::Owner;
use crate::store::declarations::{self, Look, Seen, Verdict, Watched};
use crate::store::{AccountRow, StoreError};

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(5);
/// Accounts taken at once, and how often in a round: together the most looks in a round.
const BATCH: i64 = 16;
const BATCHES: usize = 2;
/// Looks at the same time.
const AT_ONCE: usize = 4;
/// How long whoever took an account has it, in seconds. Longer than a batch of looks takes.
const LEASE: u64 = 300;
/// After a look that was not answered, or the first one that did not verify, in seconds; doubled with
/// every further one.
const RETRY: u64 = 300;
/// While an account is paused, in seconds; doubled likewise.
const PAUSED: u64 = 3600;
/// An account in use is looked at no more often than this, in milliseconds.
const IN_USE_MS: u64 = 3_600_000;
/// Accounts in use that are noted in one round.
const MAX_NOTED: usize = 256;
/// Accounts that are remembered as looked at lately.
const MAX_LATELY: usize = 10_000;

/// Which accounts are in use.
#[derive(Default)]
pub(crate) struct Watch {
    noted: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    /// To be looked at.
    used: Vec<String>,
    /// When an account was last looked at or noted, in milliseconds.
    lately: HashMap<String, u64>,
}

impl Watch {
    /// Notes that an account is in use, whether it is registered or not.
    pub(crate) fn used(&self, did: &str, now_ms: u64) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = noted.lately.get(did).copied();
        let recent = lately.and_then(|at| now_ms.checked_sub(at));
        if noted.used.len() < MAX_NOTED && recent.is_none_or(|age| age >= IN_USE_MS) {
            noted.remember(did, now_ms);
            noted.used.push(did.to_owned());
        }
    }

    /// Notes that an account has just been looked at.
    pub(crate) fn looked(&self, did: &str, now_ms: u64) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.remember(did, now_ms);
    }

    fn take(&self) -> Vec<String> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut noted.used)
    }
}

impl Noted {
    fn remember(&mut self, did: &str, now_ms: u64) {
        if self.lately.len() >= MAX_LATELY {
            self.lately.clear();
        }
        self.lately.insert(did.to_owned(), now_ms);
    }
}

/// Watches until the relay stops.
pub(crate) async fn run(state: Arc<State>) {
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = state.stopping.cancelled() => return,
            _ = rounds.tick() => {}
        }
        match once(&state).await {
            Err(StoreError::Closed) => return,
            Err(error) => tracing::warn!(reason = %error, "declarations were not looked at"),
            Ok(()) => {}
        }
    }
}

/// One round.
pub(crate) async fn once(state: &Arc<State>) -> Result<(), StoreError> {
    let (mut used, now) = (state.watch.take(), state.now_i64());
    // In one order everywhere, so that two processes do not wait for each other.
    used.sort_unstable();
    if !used.is_empty() {
        let hurry = move |sql: &dyn crate::store::sql::Sql| {
            used.iter()
                .try_for_each(|did| declarations::hurry(sql, did, now))
        };
        state.store.write(hurry).await?;
    }
    for _ in 0..BATCHES {
        let any = state
            .store
            .read(move |sql| declarations::any_due(sql, now))
            .await?;
        if !any || state.stopping.is_cancelled() {
            return Ok(());
        }
        let leased = state.later(LEASE);
        let due = state
            .store
            .write(move |sql| declarations::take_due(sql, now, leased, BATCH))
            .await?;
        futures_util::stream::iter(due)
            .for_each_concurrent(AT_ONCE, |watched| async move {
                if let Err(error) = look(state, watched).await {
                    tracing::warn!(reason = %error, "a look came to nothing");
                }
            })
            .await;
    }
    Ok(())
}

/// Looks at an owner's declaration, for the owner who asks; why its mailbox takes nothing then.
pub(crate) async fn look_now(
    state: &Arc<State>,
    owner: &Owner,
) -> Result<Option<Paused>, ApiError> {
    let account = owner.account;
    let watched = state
        .store
        .read(move |sql| declarations::watched(sql, account))
        .await?;
    match watched {
        // Set aside: it declares nothing any more.
        None => Ok(owner.paused),
        Some(watched) => match look(state, watched).await? {
            None => Ok(owner.paused),
            Some(Verdict::Paused(why)) => Ok(Some(why)),
            Some(_) => Ok(None),
        },
    }
}

/// Looks at one declaration and draws the consequences; nothing where nothing new was learned.
async fn look(state: &Arc<State>, watched: Watched) -> Result<Option<Verdict>, StoreError> {
    let Ok(did) = Did::parse(&watched.did) else {
        return Ok(None);
    };
    state.watch.looked(did.as_str(), state.clock.now_ms());
    let account = watched.account;
    let look = match state.senders.declared(&did).await {
        Ok(declared) => Look {
            account,
            rev: declared.rev,
            seen: declared.account.map_or(Seen::Absent, |it| key_of(&it)),
        },
        // One answer that does not verify may be a server at work, or a rotation half done.
        Err(Unverified::Refused) if watched.failures > 0 => Look {
            account,
            rev: String::new(),
            seen: Seen::Refused,
        },
        Err(_) => {
            put_off(state, account, watched.failures, RETRY).await?;
            return Ok(None);
        }
    };
    let (verdict, told) = state
        .store
        .write(move |sql| declarations::settle(sql, &look))
        .await?;
    for device in told {
        state.tell_lifecycle(device);
    }
    follow(state, &watched, &verdict).await?;
    Ok((verdict != Verdict::Nothing).then_some(verdict))
}

fn key_of(account: &Account) -> Seen {
    let before = account.predecessors.iter().map(cbor::encode).collect();
    Seen::Key(admission::kept(&account.key), before)
}

async fn follow(state: &State, watched: &Watched, verdict: &Verdict) -> Result<(), StoreError> {
    match verdict {
        Verdict::Nothing => put_off(state, watched.account, watched.failures, RETRY).await,
        Verdict::Paused(why) => {
            tracing::info!(?why, "a registration is paused");
            put_off(state, watched.account, watched.failures, PAUSED).await
        }
        Verdict::Live | Verdict::Rebound(_) => {
            if let Verdict::Rebound(ended) = verdict {
                state.detach(ended);
            }
            let (account, due) = (watched.account, next_look(state));
            let settled =
                move |sql: &dyn crate::store::sql::Sql| declarations::put_off(sql, account, 0, due);
            state.store.write(settled).await
        }
    }
}

/// Looks again after `first` seconds, doubled with every look that brought nothing good.
async fn put_off(
    state: &State,
    account: AccountRow,
    failures: i64,
    first: u64,
) -> Result<(), StoreError> {
    let doubled = first.saturating_mul(1 << failures.clamp(0, 20));
    let wait = doubled.min(state.limits.declaration_interval);
    let due = spread(state, wait);
    state
        .store
        .write(move |sql| declarations::put_off(sql, account, failures.saturating_add(1), due))
        .await
}

/// When a declaration that is as it should be is looked at again.
pub(crate) fn next_look(state: &State) -> i64 {
    spread(state, state.limits.declaration_interval)
}

/// In `wait` seconds, give or take a quarter: accounts that came at once do not stay together.
fn spread(state: &State, wait: u64) -> i64 {
    let [byte] = random::array(state.random.as_ref());
    let quarter = wait / 4;
    let off = quarter.saturating_mul(2).saturating_mul(u64::from(byte)) / 255;
    state
        .now_i64()
        .saturating_add(seconds(wait - quarter + off))
}
