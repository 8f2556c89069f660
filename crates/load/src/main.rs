//! `sotto-load`: the relay under load, beside the engine that it stands on (docs/relay-load.md).
//! Figures are lines of JSON on standard output; `npm run load` builds everything and makes a table.

mod closure;
mod connection;
mod engine;
mod figures;
mod host;
mod idle;
mod people;
mod postgres;
mod puts;
mod raw;
mod relay;
mod socket;
mod system;
mod tally;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::engine::{Engine, Plan};
use crate::host::Host;
use crate::puts::Crowd;

/// What can go wrong here is for a person to read.
type Done<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Bytes in a message: as large as a short text is once sealed and padded.
const SIZE: usize = 1024;
/// Files and sockets that are not event sockets.
const OTHERS: usize = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Sqlite,
    Postgres,
    Sockets,
    /// Whether answers to puts tell anything of their destinations (docs/closure.md).
    Closure,
}

/// Loads a relay and counts everything.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure.
    #[arg(value_enum, default_values_t = [Part::Sqlite, Part::Postgres, Part::Sockets])]
    parts: Vec<Part>,
    /// The program of the relay.
    #[arg(long)]
    relay: Option<PathBuf>,
    /// Where to put databases; it has to be on the disk that is meant.
    #[arg(long, default_value = "/tmp")]
    folder: PathBuf,
    /// Senders, each with a connection and a grant.
    #[arg(long, default_value_t = 128)]
    senders: usize,
    /// Receiving devices, each with an event socket.
    #[arg(long, default_value_t = 64)]
    receivers: usize,
    /// Processes of the relay over PostgreSQL.
    #[arg(long, default_value_t = 1)]
    processes: usize,
    /// Clients of the raw PostgreSQL.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Rounds of raw engine and relay in turn; the middle one counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Idle sockets; as many as the limit of open files allows, up to 20,000, where nothing is said.
    #[arg(long)]
    sockets: Option<usize>,
    /// Puts whose answers are compared, for `closure`.
    #[arg(long, default_value_t = 100_000)]
    puts: usize,
    /// Over PostgreSQL, for `closure`.
    #[arg(long)]
    postgres: bool,
    /// A difference to be found, for `closure`.
    #[arg(long, value_enum)]
    plant: Option<closure::Plant>,
    /// Sockets that come back at once.
    #[arg(long, default_value_t = 10_000)]
    storm: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = tokio::select! {
        ended = run(Arguments::parse()) => ended,
        // What it started ends with it.
        () = interrupted() => Err("interrupted".into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => std::future::pending().await,
    }
}

#[expect(clippy::print_stderr, reason = "whoever started it reads why it ended")]
fn fail(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments) -> Done<()> {
    let program = match arguments.relay {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("sotto-relay"),
    };
    // PostgreSQL runs as somebody else.
    let folder = tempfile::Builder::new()
        .prefix("sotto-load-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir_in(&arguments.folder)?;
    let host = Host::start().await?;
    let plan = Plan {
        program,
        folder: folder.path().to_owned(),
        crowd: Crowd {
            senders: arguments.senders,
            receivers: arguments.receivers.min(arguments.senders),
        },
        processes: arguments.processes,
        clients: arguments.clients,
        time: Duration::from_secs(arguments.seconds),
        rounds: arguments.rounds,
    };
    let possible = system::open_files().saturating_sub(OTHERS);
    let sockets = arguments.sockets.unwrap_or(20_000).min(possible);
    for part in arguments.parts {
        match part {
            Part::Sqlite => engine::measure(&host, &plan, Engine::Sqlite).await?,
            Part::Postgres => engine::measure(&host, &plan, Engine::Postgres).await?,
            Part::Closure => {
                let wish = closure::Wish {
                    puts: arguments.puts,
                    postgres: arguments.postgres,
                    plant: arguments.plant,
                };
                closure::measure(&host, &plan, wish).await?;
            }
            Part::Sockets => {
                let place = plan.place(&host, "sockets", None)?;
                let mut relay = relay::start(&place, 1).await?;
                let first = relay.first_mut().ok_or("no process")?;
                idle::measure(&host, first, sockets, arguments.storm.min(possible)).await?;
            }
        }
    }
    Ok(())
}
