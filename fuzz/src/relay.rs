//! `sotto-relay`: requests, in whatever order anybody sends them.

use crate::Target;
use sotto_relay::{Config, Relay, RunningRelay, entries};
use sotto_wire::random::OsRandom;
use sotto_wire::time::SystemClock;
use std::cell::OnceCell;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use url::Url;

/// The targets of this module.
pub const TARGETS: &[Target] = &[Target {
    name: "relay_request",
    run: |bytes| with_world(|world| world.request(bytes)),
}];

struct World {
    runtime: Runtime,
    relay: RunningRelay,
    _data: TempDir,
}

fn with_world(f: impl FnOnce(&World)) {
    thread_local! {
        static WORLD: OnceCell<World> = const { OnceCell::new() };
    }
    WORLD.with(|world| f(world.get_or_init(World::new)));
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

    /// Method and target, a line for each header, an empty line, and the body.
    fn request(&self, bytes: &[u8]) {
        let end = bytes.windows(2).position(|pair| pair == b"\n\n");
        let (head, body) = bytes.split_at(end.unwrap_or(bytes.len()));
        let Ok(head) = str::from_utf8(head) else {
            return;
        };
        let mut lines = head.split('\n');
        let (method, target) = lines
            .next()
            .and_then(|line| line.split_once(' '))
            .unwrap_or(("GET", "/"));
        let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
        let body = body.get(2..).unwrap_or_default().to_vec();
        let answer = entries::answer(&self.relay, method, target, &headers, body);
        let status = self.runtime.block_on(answer);
        assert_ne!(status, Some(500), "a fault of its own");
    }
}
