//! Reclaiming what has lapsed, now and then.

use std::sync::Arc;
use std::time::Duration;

use crate::objects;
use crate::state::State;
use crate::store::{StoreError, expiry};

/// Between two sweeps. Reads filter by themselves, so this only decides when room is freed.
const INTERVAL: Duration = Duration::from_secs(60);

/// Sweeps until the relay stops.
pub(crate) async fn run(state: Arc<State>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = ticks.tick() => {}
            () = state.stopping.cancelled() => return,
        }
        if let Err(error) = once(&state).await {
            tracing::error!(reason = %error, "expired rows were not removed");
        }
    }
}

/// Sweeps once.
pub(crate) async fn once(state: &State) -> Result<(), StoreError> {
    let now = state.now_i64();
    state
        .store
        .write(move |sql| expiry::sweep(sql, now))
        .await?;
    objects::reap(state).await?;
    state.store.checkpoint().await;
    Ok(())
}
