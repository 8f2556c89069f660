//! Who is attached, and waking them. A wake-up carries nothing: the socket asks the store again, so
//! a missed or doubled one costs a query and no message.

mod fresh;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(crate) use self::fresh::{Fresh, Taken};
use crate::store::DeviceRow;
use crate::store::queue::{Position, Queued};

/// What reaches an attached socket.
#[derive(Default)]
pub(crate) struct Signal {
    /// Something changed in the queue or the pool.
    pub(crate) wake: Notify,
    /// The pool stopped being empty.
    pub(crate) pool: AtomicBool,
    /// Whether grants are issued may have changed.
    pub(crate) lifecycle: AtomicBool,
    /// The store knows of something that is not handed over.
    pub(crate) look: AtomicBool,
    /// What was just queued.
    pub(crate) fresh: Fresh,
    /// Position in the queue up to which messages were sent.
    pub(crate) sent: AtomicI64,
    /// A newer connection of this device took over, or the device is gone.
    pub(crate) detached: CancellationToken,
}

/// The attached devices; one connection each.
#[derive(Default)]
pub(crate) struct Hub {
    attached: Arc<Mutex<HashMap<DeviceRow, Arc<Signal>>>>,
}

/// Keeps a device attached until it is dropped.
pub(crate) struct Attachment {
    device: DeviceRow,
    attached: Arc<Mutex<HashMap<DeviceRow, Arc<Signal>>>>,
    /// What this connection listens to.
    pub(crate) signal: Arc<Signal>,
}

impl Hub {
    /// Attaches a device, in the place of its earlier connection.
    pub(crate) fn attach(&self, device: DeviceRow) -> Attachment {
        let signal = Arc::new(Signal::default());
        let before = self.lock().insert(device, Arc::clone(&signal));
        if let Some(before) = before {
            before.detached.cancel();
        }
        Attachment {
            device,
            attached: Arc::clone(&self.attached),
            signal,
        }
    }

    /// Hands what was just queued to those of the devices that are attached, and returns the others.
    pub(crate) fn hand(&self, queued: Vec<(DeviceRow, Queued)>) -> Vec<DeviceRow> {
        let attached = self.lock();
        let mut elsewhere = Vec::new();
        for (device, queued) in queued {
            match attached.get(&device) {
                Some(signal) => {
                    signal.fresh.push(queued);
                    signal.wake.notify_one();
                }
                None => elsewhere.push(device),
            }
        }
        elsewhere.dedup();
        elsewhere
    }

    /// Wakes those of the devices that are attached, and returns the others.
    pub(crate) fn wake(&self, devices: &[DeviceRow]) -> Vec<DeviceRow> {
        self.signal(devices, |signal| {
            signal.look.store(true, Ordering::Release);
            signal.wake.notify_one();
        })
    }

    /// Tells those of the devices that are attached that the pool is no longer empty, and returns
    /// the others.
    pub(crate) fn wake_for_pool(&self, devices: &[DeviceRow]) -> Vec<DeviceRow> {
        self.signal(devices, |signal| {
            signal.pool.store(true, Ordering::Release);
            signal.wake.notify_one();
        })
    }

    /// Tells those of the devices that are attached that whether they are issued grants may have
    /// changed, and returns the others.
    pub(crate) fn wake_for_lifecycle(&self, devices: &[DeviceRow]) -> Vec<DeviceRow> {
        self.signal(devices, |signal| {
            signal.lifecycle.store(true, Ordering::Release);
            signal.wake.notify_one();
        })
    }

    /// A wake-up keeps one permit, so one between two waits is not lost.
    fn signal(&self, devices: &[DeviceRow], tell: impl Fn(&Signal)) -> Vec<DeviceRow> {
        let attached = self.lock();
        let mut elsewhere = Vec::new();
        for device in devices {
            match attached.get(device) {
                Some(signal) => tell(signal),
                None => elsewhere.push(*device),
            }
        }
        elsewhere
    }

    /// The attached devices, in their order, each with the position up to which it was sent.
    pub(crate) fn positions(&self) -> Vec<Position> {
        let sent = |signal: &Signal| signal.sent.load(Ordering::Acquire);
        let mut positions: Vec<_> = self
            .lock()
            .iter()
            .map(|(device, signal)| (*device, sent(signal)))
            .collect();
        positions.sort_unstable();
        positions
    }

    /// How many devices are attached.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Ends the connections of devices that are no longer registered.
    pub(crate) fn detach(&self, devices: &[DeviceRow]) {
        let mut attached = self.lock();
        for device in devices {
            if let Some(signal) = attached.remove(device) {
                signal.detached.cancel();
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<DeviceRow, Arc<Signal>>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        let mut attached = self.attached.lock().unwrap_or_else(PoisonError::into_inner);
        if attached
            .get(&self.device)
            .is_some_and(|signal| Arc::ptr_eq(signal, &self.signal))
        {
            attached.remove(&self.device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Hub;

    #[tokio::test]
    async fn a_newer_connection_replaces_the_older() {
        let hub = Hub::default();
        let first = hub.attach(1);
        let second = hub.attach(1);
        first.signal.detached.cancelled().await;
        drop(first);
        hub.wake(&[1]);
        second.signal.wake.notified().await;
        assert!(!second.signal.detached.is_cancelled());
        drop(second);
        assert!(hub.lock().is_empty());
    }

    #[tokio::test]
    async fn a_wake_up_before_the_wait_is_kept() {
        let hub = Hub::default();
        let attachment = hub.attach(1);
        hub.wake(&[1, 2]);
        hub.wake_for_pool(&[1]);
        attachment.signal.wake.notified().await;
        assert!(
            attachment
                .signal
                .pool
                .load(std::sync::atomic::Ordering::Acquire)
        );
        hub.detach(&[1]);
        attachment.signal.detached.cancelled().await;
    }
}
