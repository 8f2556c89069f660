//! Other processes of the same relay, over one database: what they tell about devices that are
//! attached here, and looking for oneself, as what is told may be missed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;

use crate::state::State;
use crate::store::queue::{self, Position};
use crate::store::{DeviceRow, Heard, Notice, StoreError, journal};

/// Between two looks: how late something is at most that nobody told.
const LOOK: Duration = Duration::from_secs(5);
/// Attached devices that one query asks about.
const TOGETHER: usize = 500;

/// Listens until the relay stops.
pub(crate) async fn run(state: Arc<State>, mut heard: UnboundedReceiver<Heard>) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = state.stopping.cancelled() => return,
            told = heard.recv() => match told {
                Some(told) => take(&state, told),
                None => return,
            },
            _ = looks.tick() => match look(&state).await {
                Err(StoreError::Closed) => return,
                Err(error) => tracing::warn!(reason = %error, "no look at the queues"),
                Ok(()) => {}
            },
        }
    }
}

fn take(state: &State, told: Heard) {
    match told {
        Heard::Notice(Notice::Queue(device)) => drop(state.hub.wake(&[device])),
        Heard::Notice(Notice::Pool(device)) => drop(state.hub.wake_for_pool(&[device])),
        Heard::Notice(Notice::Lifecycle(device)) => drop(state.hub.wake_for_lifecycle(&[device])),
        Heard::Notice(Notice::Detached(device)) => state.hub.detach(&[device]),
        Heard::Anything => {
            let attached: Vec<_> = state.hub.positions().iter().map(|it| it.0).collect();
            state.hub.wake_for_pool(&attached);
            state.hub.wake_for_lifecycle(&attached);
        }
    }
}

/// Wakes devices that have more than they were sent, ends connections of those that are gone, and
/// takes over what a process that died left in the journal.
async fn look(state: &State) -> Result<(), StoreError> {
    let journaled = state.store.read(journal::count).await?;
    state.journaled.store(journaled, Ordering::Release);
    if journaled > 0 {
        state.journal_wake.notify_one();
    }
    for attached in state.hub.positions().chunks(TOGETHER) {
        let (Some(&(from, _)), Some(&(to, _))) = (attached.first(), attached.last()) else {
            continue;
        };
        let queued = state
            .store
            .read(move |sql| queue::positions(sql, from, to))
            .await?;
        let (behind, gone) = compared(attached, queued);
        state.hub.wake(&behind);
        state.hub.detach(&gone);
    }
    Ok(())
}

/// Of the attached devices, those that have more in their queue, and those that are not registered.
fn compared(attached: &[Position], queued: Vec<Position>) -> (Vec<DeviceRow>, Vec<DeviceRow>) {
    let queued: std::collections::HashMap<_, _> = queued.into_iter().collect();
    let (mut behind, mut gone) = (Vec::new(), Vec::new());
    for (device, sent) in attached {
        match queued.get(device) {
            Some(last) if last > sent => behind.push(*device),
            Some(_) => {}
            None => gone.push(*device),
        }
    }
    (behind, gone)
}

#[cfg(test)]
mod tests {
    #[test]
    fn devices_behind_and_devices_gone_are_told_apart() {
        let attached = [(1, 5), (2, 5), (3, 0), (9, 1)];
        let queued = vec![(1, 5), (2, 6), (4, 7), (9, 0)];
        assert_eq!(super::compared(&attached, queued), (vec![2], vec![3]));
    }
}
