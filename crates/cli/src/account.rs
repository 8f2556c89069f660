//! Signing in and out.

use crate::{Failure, relay, terminal};
use sotto_core::app::App;
use sotto_core::views::{AccountView, AppState, ConnectionState};
use std::time::Duration;

/// Arguments of `sotto sign-in`.
#[derive(clap::Args)]
pub(crate) struct SignIn {
    /// The account, for instance alice.example.com.
    handle: String,
    /// The relay to receive messages at, asked for the first time only.
    #[arg(long, env = "SOTTO_DEFAULT_RELAY", value_name = "URL")]
    relay: Option<String>,
    /// Print the URL to open instead of opening it.
    #[arg(long)]
    pub(crate) print_url: bool,
}

/// Asks for the passphrase of the vault where it needs one.
pub(crate) async fn unlock(app: &App) -> Result<(), Failure> {
    if let AppState::Locked { create } = app.state().await? {
        let question = if create {
            "New passphrase: "
        } else {
            "Passphrase: "
        };
        let passphrase = terminal::ask_secret(question)?;
        app.unlock(passphrase).await?;
    }
    Ok(())
}

/// Whose messages these are.
pub(crate) async fn require(app: &App) -> Result<AccountView, Failure> {
    match app.state().await? {
        AppState::Ready { account } => Ok(account),
        _ => Err(Failure::NotSignedIn),
    }
}

/// `sotto sign-in`.
pub(crate) async fn sign_in(app: &App, arguments: SignIn) -> Result<(), Failure> {
    let mut state = app.state().await?;
    if matches!(state, AppState::SignedOut) {
        state = app.sign_in(arguments.handle).await?;
    }
    if let AppState::SettingUp { default_relay, .. } = &state {
        let relay = arguments.relay.unwrap_or_else(|| default_relay.clone());
        if relay.is_empty() {
            return Err(Failure::Other(
                "this account has no relay yet: --relay URL".to_owned(),
            ));
        }
        state = app.set_up(relay).await?;
    }
    match state {
        AppState::Ready { account } => Ok(terminal::say(line(&account))?),
        AppState::DelegationElsewhere { .. } => Err(Failure::Other(
            "delegation.elsewhere: this account is set up on another device".to_owned(),
        )),
        _ => Err(Failure::NotSignedIn),
    }
}

/// `sotto sign-out`.
pub(crate) async fn sign_out(app: &App) -> Result<(), Failure> {
    app.sign_out().await?;
    Ok(())
}

/// `sotto status`.
pub(crate) async fn status(app: &App) -> Result<(), Failure> {
    let account = require(app).await?;
    terminal::say(line(&account))?;
    let connection = settled(app).await?;
    let state = match connection.state {
        ConnectionState::Connecting => "connecting",
        ConnectionState::Online => "online",
        ConnectionState::Offline => "offline",
    };
    let error = connection
        .error
        .map(|error| format!(" ({error})"))
        .unwrap_or_default();
    let unread: u32 = app.conversations().await?.iter().map(|it| it.unread).sum();
    terminal::say(format_args!("{state}{error}"))?;
    terminal::say(format_args!("{unread} unread"))?;
    relay::former(&app.relay().await?)
}

/// The connection as soon as it is known, or as it is after a few seconds.
async fn settled(app: &App) -> Result<sotto_core::views::ConnectionView, Failure> {
    let mut events = app.events();
    let settle = async {
        while app.connection().await?.state == ConnectionState::Connecting {
            if events.next().await.is_none() {
                break;
            }
        }
        Ok::<_, Failure>(())
    };
    if let Ok(outcome) = tokio::time::timeout(Duration::from_secs(5), settle).await {
        outcome?;
    }
    Ok(app.connection().await?)
}

fn line(account: &AccountView) -> String {
    let relay = account.relay.as_deref().unwrap_or("-");
    format!("{} {} {relay}", account.handle, account.did)
}
