//! `sotto`: a headless client on the same core as the desktop app, for scripts and tests.

mod account;
mod browser;
mod change;
mod conversation;
mod files;
mod read;
mod relay;
mod requests;
mod search;
mod send;
mod terminal;
mod watch;

use clap::{Parser, Subcommand};
use sotto_core::app::{App, Config};
use sotto_core::views::ErrorView;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;

/// Sotto on the command line: end-to-end encrypted messages between AT Protocol accounts.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not signed in, 4 not within the time given.
#[derive(Parser)]
#[command(name = "sotto", version)]
struct Arguments {
    /// Where account and messages are kept.
    #[arg(long, global = true, env = "SOTTO_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sign in and, the first time, delegate messaging to this device.
    SignIn(account::SignIn),
    /// Forget which account is in use; history stays.
    SignOut,
    /// Say who is signed in and how the connection is.
    Status,
    /// Move to another relay. Whoever writes to you follows by themselves.
    MoveRelay(relay::MoveRelay),
    /// List conversations.
    Conversations,
    /// List first messages that wait for your word. Their senders do not notice.
    Requests,
    /// Let the sender of a request in.
    Accept(requests::Who),
    /// Discard a request. Its sender does not notice.
    Decline(requests::Who),
    /// Say or choose from whom first messages come straight in.
    Incoming(requests::Incoming),
    /// Send a message.
    Send(send::Send),
    /// Send a file.
    SendFile(files::SendFile),
    /// Fetch a file that came with a message, and save it.
    Save(files::Save),
    /// Print the messages with someone.
    Read(read::Read),
    /// Find messages by what they say.
    Search(search::Search),
    /// React to a message.
    React(change::React),
    /// Give an own message another text.
    Edit(change::Edit),
    /// Delete a message.
    Delete(change::Delete),
    /// Have new messages disappear after a while.
    Timer(change::Timer),
    /// Print messages as they arrive, until interrupted.
    Watch(watch::Watch),
}

/// Why a command did not do what it was asked for.
enum Failure {
    /// The core said so.
    Core(ErrorView),
    /// There is no account to do it with.
    NotSignedIn,
    /// It may still happen.
    TimedOut(&'static str),
    /// Anything else, in words.
    Other(String),
}

impl From<ErrorView> for Failure {
    fn from(error: ErrorView) -> Self {
        Self::Core(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl Failure {
    fn report(&self) -> ExitCode {
        let (code, text) = match self {
            Self::Core(error) => (1, error.to_string()),
            Self::NotSignedIn => (3, "not signed in: sotto sign-in HANDLE".to_owned()),
            Self::TimedOut(what) => (4, (*what).to_owned()),
            Self::Other(text) => (1, text.clone()),
        };
        terminal::complain(&text);
        ExitCode::from(code)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("SOTTO_LOG").unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let print_url = matches!(&arguments.command, Command::SignIn(it) if it.print_url);
    let mut config = Config::from_env(Arc::new(browser::SystemBrowser { print_url }))?;
    if let Some(dir) = arguments.data_dir {
        config.data_dir = dir;
    }
    let app = App::start(config).await?;
    let outcome = tokio::select! {
        outcome = obey(&app, arguments.command) => outcome,
        _ = tokio::signal::ctrl_c() => Err(Failure::Other("interrupted".to_owned())),
    };
    app.shutdown().await;
    outcome
}

async fn obey(app: &App, command: Command) -> Result<(), Failure> {
    account::unlock(app).await?;
    match command {
        Command::SignIn(it) => account::sign_in(app, it).await,
        Command::SignOut => account::sign_out(app).await,
        Command::Status => account::status(app).await,
        Command::MoveRelay(it) => relay::move_relay(app, it).await,
        Command::Conversations => conversation::list(app).await,
        Command::Requests => requests::list(app).await,
        Command::Accept(it) => requests::accept(app, it).await,
        Command::Decline(it) => requests::decline(app, it).await,
        Command::Incoming(it) => requests::incoming(app, it).await,
        Command::Send(it) => send::send(app, it).await,
        Command::SendFile(it) => files::send_file(app, it).await,
        Command::Save(it) => files::save(app, it).await,
        Command::Read(it) => read::read(app, it).await,
        Command::Search(it) => search::search(app, it).await,
        Command::React(it) => change::react(app, it).await,
        Command::Edit(it) => change::edit(app, it).await,
        Command::Delete(it) => change::delete(app, it).await,
        Command::Timer(it) => change::timer(app, it).await,
        Command::Watch(it) => watch::watch(app, it).await,
    }
}
