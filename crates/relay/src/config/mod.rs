//! Configuration: a TOML file and `SOTTO_RELAY_*` variables, the latter winning. Both go through
//! one table of settings (`settings`), so an unknown name is refused wherever it stands and a bad
//! value gets its own message.

mod init;
mod load;
mod settings;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;

use sotto_wire::domain::Domain;
use sotto_wire::relay_api::GrantLifecycle;
use url::Url;

pub use init::{InitError, Initial, init};
pub use load::{ConfigError, describe, load};
pub use tls::{Acme, Tls};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading.
    Text,
}

/// The URL of a database server. It may hold a password, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(String);

impl ServerUrl {
    /// Takes a URL of PostgreSQL; nothing where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let known = ["postgres://", "postgresql://"];
        let is_known = known.iter().any(|scheme| text.starts_with(scheme));
        is_known.then(|| Self(text.to_owned()))
    }

    /// The text, for who connects.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerUrl(..)")
    }
}

/// Everything an operator can choose.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// The discovery domain that this relay serves. It enters request signatures and grant
    /// addresses, so changing it invalidates both. May be absent in development mode only, where
    /// it is then the address that was bound.
    pub domain: Option<Domain>,
    /// Path of the database file; of no use where there is a `server`.
    pub data: PathBuf,
    /// The PostgreSQL server that keeps everything instead of a file.
    pub server: Option<ServerUrl>,
    /// Folder of attachments; where absent, beside the database ([`Config::attachments`]).
    pub attachments: Option<PathBuf>,
    /// The did:plc directory.
    pub plc_url: Url,
    /// Handle resolver; for development networks.
    pub handle_resolver: Option<Url>,
    /// Allows http and loopback addresses for PDS and PLC directory, and a loopback domain.
    pub development: bool,
    /// Log format.
    pub log: LogFormat,
    /// Header from which a trusted reverse proxy's view of the client's address is taken (its last
    /// entry). Only for rate limits.
    pub client_ip_header: Option<String>,
    /// Whether grants are issued: `Draining` ends that for good, to close a relay down.
    pub grant_lifecycle: GrantLifecycle,
    /// Who has the certificate.
    pub tls: Tls,
    /// Address at which metrics are served, without TLS.
    pub metrics: Option<SocketAddr>,
    /// Everything that is a number.
    pub limits: Limits,
}

/// Limits. Times in seconds, sizes in bytes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long a relay that is told to end still takes connections while it says that it is not
    /// ready, so that whoever spreads the load notices.
    pub drain: u64,
    /// Largest message; published.
    pub message_max_bytes: u64,
    /// How long a challenge is valid; published.
    pub challenge_expiry: u64,
    /// How long a message waits; published.
    pub message_expiry: u64,
    /// Acknowledgements in one request; published.
    pub max_ack_batch: u64,
    /// Grants in one request; published.
    pub grants_per_request: u64,
    /// Live grants of one device.
    pub grants_per_device: u64,
    /// How long a grant lasts.
    pub grant_lifetime: u64,
    /// Messages that may wait for one grant.
    pub grant_queue: u64,
    /// Claims one account may make in an hour; published.
    pub claims_per_hour: u64,
    /// Single-use key packages of one device; published.
    pub single_use_max: u64,
    /// Claims of one account in a day that are answered with a single-use key package; beyond that
    /// with the last resort.
    pub single_use_per_day: u64,
    /// Those of them that may be one claimant's.
    pub single_use_per_claimant: u64,
    /// Pooled messages of one sender.
    pub pool_depth: u64,
    /// Bytes in one account's pool.
    pub pool_max_bytes: u64,
    /// Queued first-contact messages of one provisioned sender.
    pub reservation: u64,
    /// Senders one account may block; published.
    pub blocks_max: u64,
    /// How long a discarded sender's puts are dropped.
    pub discard_window: u64,
    /// How long ids and nonces are remembered.
    pub dedup_expiry: u64,
    /// Puts journaled and not yet resolved, above which puts are refused.
    pub journal_max: u64,
    /// Deliveries sent to one socket and not yet acknowledged.
    pub in_flight: u64,
    /// Open connections.
    pub max_connections: u64,
    /// For the head of a request, and for the whole of an exchange.
    pub request_timeout: u64,
    /// Challenges one IP address may ask for in a minute.
    pub challenges_per_minute: u64,
    /// Claims, registrations and first-contact puts (each) of one IP address in a minute.
    pub lookups_per_minute: u64,
    /// Puts at grants from one IP address in a minute; published.
    pub puts_per_minute: u64,
    /// Accounts being verified at the same time.
    pub concurrent_verifications: u64,
    /// How long verifying one account may take.
    pub verification_timeout: u64,
    /// Between two looks at what a registered account declares, give or take a quarter.
    pub declaration_interval: u64,
    /// Bytes of attachments that one account may keep; published.
    pub attachment_max_bytes: u64,
    /// How long an object of an attachment is kept; published.
    pub attachment_expiry: u64,
    /// How long the body of one object may take.
    pub attachment_timeout: u64,
    /// Objects that one IP address may fetch in a minute.
    pub attachment_fetches_per_minute: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            drain: 0,
            message_max_bytes: 98_304,
            challenge_expiry: 600,
            message_expiry: 30 * 86_400,
            max_ack_batch: 256,
            grants_per_request: 20,
            grants_per_device: 2000,
            grant_lifetime: 90 * 86_400,
            grant_queue: 4096,
            claims_per_hour: 60,
            single_use_max: 100,
            single_use_per_day: 40,
            single_use_per_claimant: 8,
            pool_depth: 32,
            pool_max_bytes: 16 * 1024 * 1024,
            reservation: 256,
            blocks_max: 5000,
            discard_window: 3600,
            dedup_expiry: 40 * 86_400,
            journal_max: 20_000,
            in_flight: 256,
            max_connections: 4096,
            request_timeout: 30,
            challenges_per_minute: 600,
            lookups_per_minute: 120,
            puts_per_minute: 6000,
            concurrent_verifications: 32,
            verification_timeout: 10,
            declaration_interval: 43_200,
            attachment_max_bytes: 1 << 30,
            attachment_expiry: 45 * 86_400,
            attachment_timeout: 300,
            attachment_fetches_per_minute: 1200,
        }
    }
}

impl Config {
    /// The folder of attachments: as configured, or the database's path with another extension.
    #[must_use]
    pub fn attachments(&self) -> PathBuf {
        let configured = self.attachments.clone();
        configured.unwrap_or_else(|| self.data.with_extension("attachments"))
    }

    /// A configuration for development and tests: loopback, a free port, the domain following it.
    #[must_use]
    pub fn development(data: PathBuf, plc_url: Url) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            domain: None,
            data,
            server: None,
            attachments: None,
            plc_url,
            handle_resolver: None,
            development: true,
            log: LogFormat::Text,
            client_ip_header: None,
            grant_lifecycle: GrantLifecycle::Active,
            tls: Tls::Off,
            metrics: None,
            limits: Limits::default(),
        }
    }
}
