//! `sotto-relay`: commands, configuration, signals, exit codes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use sotto_relay::config::Initial;
use sotto_relay::{BackupError, Config, Relay, config, log, supervisor};
use sotto_wire::random::OsRandom;
use sotto_wire::time::SystemClock;

/// The configuration was refused.
const BAD_CONFIG: u8 = 2;
/// Where `init` writes where nothing else is said.
const NEW_CONFIG: &str = "sotto-relay.toml";

/// The Sotto relay: the server at an account's discovery domain.
#[derive(Debug, Parser)]
#[command(version, after_help = config::describe())]
struct Arguments {
    /// TOML file with settings; also SOTTO_RELAY_CONFIG.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Checks the configuration and ends.
    #[arg(long)]
    check_config: bool,
    /// Without one, the relay runs.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a commented configuration, to the file that --config names or sotto-relay.toml.
    Init {
        /// The discovery domain: the host name that users put into their accounts.
        domain: String,
        /// Let the relay get and renew its certificate by itself (Let's Encrypt, whose terms you
        /// accept by that).
        #[arg(long)]
        acme: bool,
        /// Database file, or postgres:// URL.
        #[arg(long, value_name = "FILE|URL")]
        data: Option<String>,
    },
    /// Copies the database file into a new one, while the relay runs.
    Backup {
        /// The new file.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    match arguments.command.take() {
        Some(Command::Init { domain, acme, data }) => {
            let initial = Initial { domain, acme, data };
            init(arguments.config, &initial)
        }
        Some(Command::Backup { file }) => with_config(arguments, |config| copy(&config, &file)),
        None => with_config(arguments, serve),
    }
}

#[expect(clippy::print_stdout, reason = "what this command is for")]
fn init(path: Option<PathBuf>, initial: &Initial) -> ExitCode {
    let path = path.unwrap_or_else(|| NEW_CONFIG.into());
    if let Err(error) = config::init(&path, initial) {
        return fail(&error.to_string(), BAD_CONFIG);
    }
    println!("{}", next_steps(&path, initial));
    ExitCode::SUCCESS
}

fn next_steps(path: &Path, initial: &Initial) -> String {
    let (file, domain) = (path.display(), &initial.domain);
    let reach = if initial.acme {
        format!(
            "2. Let the DNS name {domain} lead to this machine, and port 443 through your firewall.\n   \
             By tls = \"acme\" you accept the terms of Let's Encrypt; set acme_contact if you like."
        )
    } else {
        format!(
            "2. Let your reverse proxy pass https://{domain} on to the address in `listen`, WebSockets\n   \
             included, and set client_ip_header to the header in which it tells the client's address."
        )
    };
    format!(
        "{file} is written. Next:\n\
         1. Read it through; `data` says where everything is kept.\n\
         {reach}\n\
         3. sotto-relay --config {file} --check-config\n\
         4. sotto-relay --config {file}\n\
         5. curl https://{domain}/readyz   says: ready\n\
         How to run it as a service, in a container, over PostgreSQL: docs/running-a-relay.md"
    )
}

#[expect(clippy::print_stdout, reason = "what this command is for")]
fn copy(config: &Config, file: &Path) -> ExitCode {
    let copied = match config.server {
        Some(_) => Err(BackupError::OnServer),
        None => sotto_relay::backup(&config.data, file),
    };
    if let Err(error) = copied {
        return fail(&error.to_string(), 1);
    }
    println!(
        "{} is written. Copy the folder {} after it, if you want attachments too: its files never change.",
        file.display(),
        config.attachments().display()
    );
    ExitCode::SUCCESS
}

fn with_config(arguments: Arguments, work: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match config::load(arguments.config, variables()) {
        Ok(_) if arguments.check_config => ExitCode::SUCCESS,
        Ok(config) => work(config),
        Err(error) => fail(&error.to_string(), BAD_CONFIG),
    }
}

fn serve(config: Config) -> ExitCode {
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
    let relay = Relay::start(config, Arc::new(SystemClock), Arc::new(OsRandom))
        .await
        .map_err(|error| error.to_string())?;
    tracing::info!(listen = %relay.addr(), metrics = relay.metrics_addr().map(tracing::field::display), "started");
    supervisor::ready();
    tokio::select! {
        told = terminated() => told.map_err(|error| error.to_string())?,
        () = supervisor::keep_alive() => {}
    }
    supervisor::stopping();
    tracing::info!("stopping");
    relay.shutdown().await;
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
