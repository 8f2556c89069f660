//! The journal worker: everything about a grant put that depends on its address (§4.6) happens
//! here, after the put was answered. It reads the journal only, so what a crash left behind is
//! treated like what just came in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sotto_wire::challenge::Realm;
use sotto_wire::grant::{self, Address, GrantKey};
use sotto_wire::relay_api::{self, MailboxKey};
use subtle::ConstantTimeEq as _;

use crate::metrics;
use crate::state::State;
use crate::store::StoreError;
use crate::store::journal::{self, Entry, Verdict};
use crate::store::queue::Queued;
use crate::store::settlement::{self, QueueLimits, Settled};

/// Entries judged in one go.
const BATCH: i64 = 512;
/// Rest while another process settles.
const BUSY: Duration = Duration::from_millis(100);
/// Rest after the store failed.
const RETRY: Duration = Duration::from_secs(1);

/// Works until the relay stops.
pub(crate) async fn run(state: Arc<State>) {
    loop {
        let rest = match settle_batch(&state).await {
            // There may be more.
            Ok(Some(settled)) if settled > 0 => continue,
            Ok(Some(_)) => {
                tokio::select! {
                    biased;
                    () = state.journal_wake.notified() => {}
                    () = state.stopping.cancelled() => return,
                }
                continue;
            }
            // Whoever is at it finds what came in meanwhile, unless it dies.
            Ok(None) => BUSY,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::error!(reason = %error, "the journal is not being worked off");
                RETRY
            }
        };
        tokio::select! {
            biased;
            () = tokio::time::sleep(rest) => {}
            () = state.stopping.cancelled() => return,
        }
    }
}

/// Settles everything that is there, unless another process does. What fails stays in the journal.
pub(crate) async fn finish(state: &Arc<State>) {
    while let Ok(Some(1..)) = settle_batch(state).await {}
}

/// Judges and settles the oldest entries; returns how many, or nothing where another process is at
/// it.
async fn settle_batch(state: &Arc<State>) -> Result<Option<usize>, StoreError> {
    let judge = Arc::clone(state);
    let judged = state
        .store
        .read(move |sql| {
            let entries = journal::oldest(sql, BATCH, judge.now_i64())?;
            let judged = entries.into_iter().map(|entry| {
                let verdict = verdict(&judge, &entry);
                (verdict, entry.put.message)
            });
            Ok(judged.unzip::<_, _, Vec<_>, Vec<_>>())
        })
        .await?;
    let (verdicts, messages) = judged;
    if verdicts.is_empty() {
        return Ok(Some(0));
    }
    let now = state.now_i64();
    let limits = QueueLimits {
        expires_at: state.later(state.limits.message_expiry),
        per_grant: state.limits.grant_queue,
    };
    let verdicts = Arc::new(verdicts);
    let settling = Arc::clone(&verdicts);
    let settled = state
        .store
        .write(move |sql| settlement::settle(sql, &settling, limits, now))
        .await?;
    let Some(settled) = settled else {
        return Ok(None);
    };
    let queued = settled.queued.len();
    metrics::resolved(queued, settled.entries.saturating_sub(queued));
    state.resolved(settled.entries);
    hand_over(state, &settled, &verdicts, messages);
    // All of them were another's: what is read next is not.
    Ok(Some(settled.entries.max(1)))
}

/// Gives devices what is in their queues by now.
fn hand_over(state: &State, settled: &Settled, verdicts: &[Verdict], messages: Vec<Vec<u8>>) {
    let mut by_body: HashMap<i64, _> = verdicts
        .iter()
        .zip(messages)
        .map(|(verdict, message)| (verdict.body, (verdict, message)))
        .collect();
    let queued = settled.queued.iter().filter_map(|place| {
        let (verdict, body) = by_body.remove(&place.body)?;
        let (mailbox, message_id) = verdict.accepted.clone()?;
        let queued = Queued {
            seq: place.seq,
            mailbox,
            message_id,
            sender: None,
            sender_key: None,
            body,
        };
        Some((place.device, queued))
    });
    state.hand(queued.collect());
}

fn verdict(state: &State, entry: &Entry) -> Verdict {
    let put = &entry.put;
    let received = u64::try_from(put.received_at).unwrap_or(0);
    let challenge = state
        .challenges
        .check(Realm::GrantPut, &put.address, &put.challenge, received);
    let accepted = match Address::parse(&put.address) {
        Ok(address) if challenge.is_ok() && tag_is_right(entry, &address) => {
            let id = relay_api::message_id(&MailboxKey::Grant(address), &put.message);
            Some((put.address.clone(), id))
        }
        _ => None,
    };
    Verdict {
        id: entry.id,
        body: entry.body,
        accepted,
    }
}

fn tag_is_right(entry: &Entry, address: &Address) -> bool {
    let key = entry
        .grant_key
        .as_deref()
        .and_then(|key| <[u8; 32]>::try_from(key).ok());
    let Some(key) = key else { return false };
    let put = &entry.put;
    let tag = grant::tag(
        &GrantKey::from_bytes(key),
        address,
        &put.challenge,
        &put.message,
    );
    tag.as_slice().ct_eq(&put.tag).into()
}
