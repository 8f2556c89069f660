//! `sotto-pds-delegation`: configuration, signals, exit codes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use sotto_pds_delegation::{Config, PdsDelegation, config, log};
use sotto_wire::time::SystemClock;

/// The configuration was refused.
const BAD_CONFIG: u8 = 2;

/// The PDS API of Sotto's delegations, beside a PDS.
#[derive(Debug, Parser)]
#[command(version, after_help = config::describe())]
struct Arguments {
    /// TOML file with settings; also SOTTO_PDS_DELEGATION_CONFIG.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Checks the configuration and ends.
    #[arg(long)]
    check_config: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match config::load(arguments.config, variables()) {
        Ok(config) => config,
        Err(error) => return fail(&error.to_string(), BAD_CONFIG),
    };
    if arguments.check_config {
        return ExitCode::SUCCESS;
    }
    if let Err(error) = log::init(config.log) {
        return fail(&error.to_string(), 1);
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string(), 1),
    };
    match runtime.block_on(run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message, 1),
    }
}

/// The environment. What is not Unicode is shown to the parser with marks, which it refuses.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        (
            name.to_string_lossy().into_owned(),
            value.to_string_lossy().into_owned(),
        )
    })
}

#[expect(
    clippy::print_stderr,
    reason = "the operator reads why nothing started"
)]
fn fail(message: &str, code: u8) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(code)
}

async fn run(config: Config) -> Result<(), String> {
    let service = PdsDelegation::start(config, Arc::new(SystemClock))
        .await
        .map_err(|error| error.to_string())?;
    tracing::info!(listen = %service.addr(), "started");
    terminated().await.map_err(|error| error.to_string())?;
    tracing::info!("stopping");
    service.shutdown().await;
    tracing::info!("stopped");
    Ok(())
}

#[cfg(unix)]
async fn terminated() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn terminated() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
