//! Log lines. Only this crate's own events are let through: libraries log URLs, and URLs here
//! carry DIDs.

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer, Registry, fmt};

use crate::config::LogFormat;

/// Sends log lines of the given form to standard error, for the whole process.
///
/// # Errors
/// Fails where a subscriber was installed before.
pub fn init(format: LogFormat) -> Result<(), TryInitError> {
    let own = Targets::new().with_target("sotto_pds_delegation", tracing::Level::INFO);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Text => fmt::layer().with_writer(std::io::stderr).boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(own))
        .try_init()
}
