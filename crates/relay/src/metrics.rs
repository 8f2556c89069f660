//! What this process has done, in numbers for its operator (docs/running-a-relay.md). No number has an
//! identity, an address or a mailbox as a label; those about grants say how many, never which.
//!
//! They belong to the process, as everything that Prometheus reads does, not to one [`State`].

use std::sync::LazyLock;
use std::time::Instant;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the times of a write, in seconds: from a disk with a battery to one that is worn out.
const WRITES: [f64; 12] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0,
];

/// Counts the numbers of this process.
static NUMBERS: LazyLock<Numbers> = LazyLock::new(Numbers::new);

/// One of a few words.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Exchange {
    method: String,
    route: String,
    status: u16,
}

type Outcomes = Family<Outcome, Counter>;

struct Numbers {
    registry: Registry,
    exchanges: Family<Exchange, Counter>,
    grant_puts: Outcomes,
    resolved: Outcomes,
    did_puts: Outcomes,
    claims: Outcomes,
    writes: Histogram,
    store_errors: Counter,
    connections: Gauge,
    gauges: Gauges,
}

/// What is looked up when somebody asks.
#[derive(Default, Clone)]
pub(crate) struct Gauges {
    /// Attached devices.
    pub(crate) sockets: Gauge,
    /// Puts that were answered and are not resolved.
    pub(crate) journal: Gauge,
    /// Deliveries that wait for an acknowledgement, over all devices.
    pub(crate) queued: Gauge,
    /// Messages that wait for adjudication, over all accounts.
    pub(crate) pooled: Gauge,
    /// Registered accounts.
    pub(crate) accounts: Gauge,
    /// End of the certificate, in seconds since 1970; 0 where there is none.
    pub(crate) certificate: Gauge,
    /// 1 where the relay takes work.
    pub(crate) ready: Gauge,
}

impl Numbers {
    fn new() -> Self {
        let numbers = Self {
            registry: Registry::with_prefix("sotto_relay"),
            exchanges: Family::default(),
            grant_puts: Family::default(),
            resolved: Family::default(),
            did_puts: Family::default(),
            claims: Family::default(),
            writes: Histogram::new(WRITES),
            store_errors: Counter::default(),
            connections: Gauge::default(),
            gauges: Gauges::default(),
        };
        numbers.registered()
    }

    fn registered(mut self) -> Self {
        let all = &mut self.registry;
        let of = [
            (
                "grant_puts",
                "Puts at grants, as answered",
                &self.grant_puts,
            ),
            (
                "grant_puts_resolved",
                "Puts at grants, after the answer",
                &self.resolved,
            ),
            ("did_puts", "First-contact puts", &self.did_puts),
            ("claims", "Claims of key packages", &self.claims),
        ];
        for (name, help, family) in of {
            all.register(name, help, family.clone());
        }
        all.register("exchanges", "Answered requests", self.exchanges.clone());
        let help = "From handing a write in until it is on the disk";
        all.register_with_unit("write", help, Unit::Seconds, self.writes.clone());
        let help = "Reads and writes that the database failed";
        all.register("store_errors", help, self.store_errors.clone());
        let gauges = &self.gauges;
        for (name, help, gauge) in [
            ("connections", "Open connections", &self.connections),
            ("sockets", "Attached devices", &gauges.sockets),
            (
                "journal",
                "Puts answered and not yet resolved",
                &gauges.journal,
            ),
            ("queued", "Deliveries not yet acknowledged", &gauges.queued),
            (
                "pooled",
                "First contacts not yet adjudicated",
                &gauges.pooled,
            ),
            ("accounts", "Registered accounts", &gauges.accounts),
            ("ready", "1 where the relay takes work", &gauges.ready),
            (
                "certificate_expiry_timestamp_seconds",
                "End of the certificate",
                &gauges.certificate,
            ),
        ] {
            all.register(name, help, gauge.clone());
        }
        self
    }
}

fn count(family: &Outcomes, outcome: &'static str, how_many: u64) {
    family.get_or_create(&Outcome { outcome }).inc_by(how_many);
}

/// A put at a grant was answered so.
pub(crate) fn grant_put(outcome: &'static str) {
    count(&NUMBERS.grant_puts, outcome, 1);
}

/// Puts at grants were resolved: queued, or dropped for whatever reason.
pub(crate) fn resolved(queued: usize, dropped: usize) {
    for (outcome, puts) in [("queued", queued), ("dropped", dropped)] {
        count(&NUMBERS.resolved, outcome, u64::try_from(puts).unwrap_or(0));
    }
}

/// A first-contact put came to this.
pub(crate) fn did_put(outcome: &'static str) {
    count(&NUMBERS.did_puts, outcome, 1);
}

/// A claim of key packages came to this.
pub(crate) fn claim(outcome: &'static str) {
    count(&NUMBERS.claims, outcome, 1);
}

/// A request was answered. `route` is a template.
pub(crate) fn exchange(method: &str, route: &str, status: u16) {
    let exchange = Exchange {
        method: method.to_owned(),
        route: route.to_owned(),
        status,
    };
    NUMBERS.exchanges.get_or_create(&exchange).inc();
}

/// Measures a write of the store, and whether it failed.
pub(crate) async fn write<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let begun = Instant::now();
    let outcome = work.await;
    NUMBERS.writes.observe(begun.elapsed().as_secs_f64());
    failed(&outcome);
    outcome
}

/// Counts a read that failed.
pub(crate) async fn read<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let outcome = work.await;
    failed(&outcome);
    outcome
}

fn failed<T, E>(outcome: &Result<T, E>) {
    if outcome.is_err() {
        NUMBERS.store_errors.inc();
    }
}

/// Counts an open connection until it is dropped.
pub(crate) struct Connection(());

impl Connection {
    /// One more.
    pub(crate) fn open() -> Self {
        NUMBERS.connections.inc();
        Self(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        NUMBERS.connections.dec();
    }
}

/// Everything, in the text format of OpenMetrics.
pub(crate) fn encoded(look: impl FnOnce(&Gauges)) -> String {
    let numbers = &*NUMBERS;
    look(&numbers.gauges);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = text::encode(&mut text, &numbers.registry);
    text
}
