//! Configuration: a TOML file and `SOTTO_PDS_DELEGATION_*` variables, the latter winning. The two
//! secrets are the PDS's own, under the names that the PDS gives them, and come from the
//! environment only.

mod load;
mod secrets;
mod settings;

use std::net::SocketAddr;

use sotto_wire::did::Did;
use sotto_wire::pds_api::Audience;
use url::Url;

pub use load::{ConfigError, describe, load};
pub use secrets::{InvalidSecret, Secrets};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading.
    Text,
}

/// Everything an operator can choose.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on, without TLS: that is the reverse proxy's.
    pub listen: SocketAddr,
    /// Where the PDS listens; http, as it is beside.
    pub upstream: Url,
    /// How the PDS is reached from outside, as in its accounts' DID documents.
    pub public_url: Url,
    /// The PDS's own DID.
    pub service_did: Did,
    /// `aud` of the service tokens: the fragment `#sotto_delegation` of `service_did`.
    pub audience: Audience,
    /// The did:plc directory.
    pub plc_url: Url,
    /// Allows http and loopback addresses for `public_url` and PLC directory.
    pub development: bool,
    /// Log format.
    pub log: LogFormat,
    /// Everything that is a number.
    pub limits: Limits,
    /// What the service acts with.
    pub secrets: Secrets,
}

/// Limits. Times in seconds.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections, WebSockets among them.
    pub max_connections: u64,
    /// For the head of a request, and for the body of a call to the API.
    pub request_timeout: u64,
    /// Until the PDS begins to answer.
    pub upstream_timeout: u64,
    /// Calls to the API at the same time; more are told to come back.
    pub concurrent_calls: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            request_timeout: 30,
            upstream_timeout: 600,
            concurrent_calls: 32,
        }
    }
}
