//! The power of one machine: when it fails, nothing more is written and nothing more leaves.

use crate::keys::Keys;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Where in a write the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before it is committed: nothing of it is left.
    Before,
    /// After it is committed, before whoever wrote learns of it.
    After,
}

struct Due {
    writes: u64,
    moment: Moment,
}

/// One machine's power. Each start of the machine is a new one.
pub struct Power {
    on: AtomicBool,
    /// The write with which it fails.
    due: Mutex<Option<Due>>,
    failed: Notify,
    writes: AtomicU64,
    keys: Option<Arc<Keys>>,
}

impl Power {
    /// On; what is encrypted is noted in `keys`.
    pub fn on(keys: Option<Arc<Keys>>) -> Arc<Self> {
        Arc::new(Self {
            on: AtomicBool::new(true),
            due: Mutex::new(None),
            failed: Notify::new(),
            writes: AtomicU64::new(0),
            keys,
        })
    }

    /// It fails with the `writes`th write from now on.
    pub fn fails(&self, writes: u64, moment: Moment) {
        let due = Due { writes, moment };
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = Some(due);
    }

    /// It fails no more.
    pub fn holds(&self) {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// It fails now.
    pub fn cut(&self) {
        self.on.store(false, Ordering::Relaxed);
    }

    /// Whether it has not failed.
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// When it fails by itself.
    pub async fn failed(&self) {
        self.failed.notified().await;
    }

    /// Writes that began since it is on.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    fn begins_write(&self) -> bool {
        self.is_on()
    }

    fn passes(&self, moment: Moment) -> bool {
        if !self.is_on() {
            return false;
        }
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(next) = due.as_mut() else {
            return true;
        };
        if moment == Moment::Before {
            next.writes = next.writes.saturating_sub(1);
        }
        if next.writes > 0 || next.moment != moment {
            return true;
        }
        *due = None;
        self.cut();
        self.failed.notify_one();
        false
    }

    fn commits_write(&self) -> bool {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.passes(Moment::Before)
    }

    fn committed_write(&self) -> bool {
        if let Some(keys) = &self.keys {
            keys.committed();
        }
        self.passes(Moment::After)
    }
}

impl sotto_core::db::Watch for Power {
    fn begins(&self) -> bool {
        if let Some(keys) = &self.keys {
            keys.begins();
        }
        self.begins_write()
    }

    fn commits(&self) -> bool {
        self.commits_write()
    }

    fn committed(&self) -> bool {
        self.committed_write()
    }

    fn encrypted(&self, key: &[u8], nonce: &[u8], data: &[u8]) {
        if let Some(keys) = &self.keys {
            keys.encrypted(key, nonce, data);
        }
    }
}

impl sotto_relay::Watch for Power {
    fn begins(&self) -> bool {
        self.begins_write()
    }

    fn commits(&self) -> bool {
        self.commits_write()
    }

    fn committed(&self) -> bool {
        self.committed_write()
    }
}
