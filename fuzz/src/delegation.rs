//! `sotto-pds-delegation`: what anybody asks of it, and what a PDS and a directory answer.

use crate::{Target, request};
use serde_json::Value;
use sotto_pds_delegation::config;
use sotto_pds_delegation::entries::{self, Service};
use sotto_wire::did::Did;
use sotto_wire::key::SigningKey;
use sotto_wire::time::SystemClock;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// The targets of this module.
pub const TARGETS: &[Target] = &[
    Target {
        name: "delegation_operation",
        run: operation,
    },
    Target {
        name: "delegation_record",
        run: record,
    },
    Target {
        name: "delegation_request",
        run: |bytes| WORLD.with(|world| world.request(bytes)),
    },
];

struct World {
    runtime: Runtime,
    service: Service,
}

thread_local! {
    static WORLD: World = World::new();
}

impl World {
    /// A service whose PDS and directory are down.
    fn new() -> Self {
        let variables = [
            ("PDS_JWT_SECRET", "secret".to_owned()),
            ("PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX", "07".repeat(32)),
            (
                "SOTTO_PDS_DELEGATION_PUBLIC_URL",
                "https://pds.example".to_owned(),
            ),
            (
                "SOTTO_PDS_DELEGATION_UPSTREAM",
                "http://127.0.0.1:1".to_owned(),
            ),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let config = config::load(None, variables).expect("a configuration");
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let _entered = runtime.enter();
        let service = Service::new(config, Arc::new(SystemClock)).expect("a service");
        drop(_entered);
        Self { runtime, service }
    }

    fn request(&self, bytes: &[u8]) {
        let Some(request) = request::read(bytes) else {
            return;
        };
        let answer = self.service.answer(
            request.method,
            request.target,
            &request.headers,
            request.body,
        );
        let status = self.runtime.block_on(answer);
        assert_ne!(status, Some(500), "a fault of its own");
    }
}

/// Two records, one a line: one that is wanted, and one that is in force.
fn record(bytes: &[u8]) {
    let did = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").expect("a DID");
    let records: Vec<Value> = bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let Some(wanted) = records.first() else {
        return;
    };
    let key = SigningKey::from_seed(&[1; 32]).public().to_did_key();
    let _ = entries::may_follow(&did, wanted, records.get(1), None);
    let _ = entries::may_follow(&did, wanted, None, Some(&key));
}

/// The last operation in a directory's log, by an account that lets this PDS sign.
fn operation(bytes: &[u8]) {
    let Ok(mut last) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    if let Some(keys) = last.get_mut("rotationKeys").and_then(Value::as_array_mut) {
        keys.extend(entries::rotation_key().map(Value::from));
    }
    let key = SigningKey::from_seed(&[1; 32]).public();
    let Some(with) = entries::next_operation(last.clone(), Some(&key)) else {
        return;
    };
    let without = entries::next_operation(with, None);
    assert!(
        without.is_some(),
        "what can be entered can be taken out again"
    );
}
