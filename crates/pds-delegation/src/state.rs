//! What all exchanges share.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use sotto_identity::Network;
use sotto_wire::did::Did;
use sotto_wire::time::Clock;
use tokio::sync::{Mutex, MutexGuard, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::Replays;
use crate::config::Config;
use crate::directory::Directory;
use crate::upstream::Upstream;

const LOCKS: usize = 64;

pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) network: Network,
    pub(crate) directory: Directory,
    pub(crate) upstream: Upstream,
    pub(crate) replays: Replays,
    pub(crate) clock: Arc<dyn Clock>,
    /// One for each call under way.
    pub(crate) calls: Arc<Semaphore>,
    pub(crate) stopping: CancellationToken,
    /// Changes and tunnels.
    pub(crate) tasks: TaskTracker,
    locks: [Mutex<()>; LOCKS],
}

impl State {
    pub(crate) fn new(config: Config, network: Network, clock: Arc<dyn Clock>) -> Self {
        let calls = usize::try_from(config.limits.concurrent_calls).unwrap_or(usize::MAX);
        Self {
            directory: Directory::new(&network, config.plc_url.clone()),
            upstream: Upstream::new(&config, Arc::clone(&clock)),
            replays: Replays::new(clock.now()),
            calls: Arc::new(Semaphore::new(calls.min(Semaphore::MAX_PERMITS))),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            locks: std::array::from_fn(|_| Mutex::default()),
            config,
            network,
            clock,
        }
    }

    /// For the head and body of a call.
    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.config.limits.request_timeout)
    }

    /// Until the PDS begins to answer what is passed through.
    pub(crate) fn upstream_timeout(&self) -> Duration {
        Duration::from_secs(self.config.limits.upstream_timeout)
    }

    /// Only one change of an account at a time. Other accounts may share its lock, so that a flood
    /// of accounts costs no memory.
    pub(crate) async fn lock(&self, did: &Did) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        did.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % LOCKS as u64).ok()?;
        Some(self.locks.get(index)?.lock().await)
    }
}
