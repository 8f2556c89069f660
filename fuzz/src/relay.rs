//! `sotto-relay`: requests, in whatever order anybody sends them.

use crate::{Target, request};
use sotto_relay::{Config, Relay, RunningRelay, entries};
use sotto_wire::random::OsRandom;
use sotto_wire::time::SystemClock;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use url::Url;

/// The targets of this module.
pub const TARGETS: &[Target] = &[Target {
    name: "relay_request",
    run: |bytes| WORLD.with(|world| world.request(bytes)),
}];

struct World {
    runtime: Runtime,
    relay: RunningRelay,
    _data: TempDir,
}

thread_local! {
    static WORLD: World = World::new();
}

impl World {
    fn new() -> Self {
        let data = TempDir::new().expect("a folder");
        let nobody = Url::parse("http://127.0.0.1:1").expect("a URL");
        let mut config = Config::development(data.path().join("relay.db"), nobody);
        config.limits.challenges_per_minute = u64::MAX;
        config.limits.lookups_per_minute = u64::MAX;
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let relay = Relay::start(config, Arc::new(SystemClock), Arc::new(OsRandom));
        let relay = runtime.block_on(relay).expect("a relay");
        Self {
            runtime,
            relay,
            _data: data,
        }
    }

    fn request(&self, bytes: &[u8]) {
        let Some(request) = request::read(bytes) else {
            return;
        };
        let answer = entries::answer(
            &self.relay,
            request.method,
            request.target,
            &request.headers,
            request.body,
        );
        let status = self.runtime.block_on(answer);
        assert_ne!(status, Some(500), "a fault of its own");
    }
}
