//! `sotto requests`, `sotto accept`, `sotto decline` and `sotto incoming`.

use crate::{Failure, account, terminal};
use sotto_core::app::App;
use sotto_core::views::{IncomingPolicy, RequestView};

/// Arguments of `sotto accept` and `sotto decline`.
#[derive(clap::Args)]
pub(crate) struct Who {
    /// Whose request.
    handle: String,
}

/// Arguments of `sotto incoming`.
#[derive(clap::Args)]
pub(crate) struct Incoming {
    /// What to choose; without it, what is chosen is printed.
    policy: Option<Policy>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Policy {
    /// Every first message waits as a request.
    None,
    /// Those of accounts that you follow come straight in.
    Following,
    /// All come straight in.
    Everyone,
}

/// Prints who waits, and what they say.
pub(crate) async fn list(app: &App) -> Result<(), Failure> {
    account::require(app).await?;
    let waiting = app.requests().await?;
    for request in waiting.requests {
        for message in request.messages {
            let text = message.text.as_deref();
            let text = terminal::printable(text.unwrap_or("[not supported by this version]"));
            let text = text.replace(['\n', '\t'], " ");
            terminal::say(format_args!("{}\t{text}", request.peer.handle))?;
        }
    }
    if waiting.dropped > 0 {
        terminal::complain(format_args!(
            "{} older requests were dropped",
            waiting.dropped
        ));
    }
    Ok(())
}

/// Lets someone in.
pub(crate) async fn accept(app: &App, arguments: Who) -> Result<(), Failure> {
    let request = find(app, &arguments.handle).await?;
    app.accept_request(request.id).await?;
    Ok(())
}

/// Turns someone away.
pub(crate) async fn decline(app: &App, arguments: Who) -> Result<(), Failure> {
    let request = find(app, &arguments.handle).await?;
    Ok(app.decline_request(request.id).await?)
}

/// Prints the policy, or chooses one.
pub(crate) async fn incoming(app: &App, arguments: Incoming) -> Result<(), Failure> {
    account::require(app).await?;
    let policy = match arguments.policy {
        None => app.policy().await?,
        Some(Policy::None) => app.set_incoming(IncomingPolicy::None).await?,
        Some(Policy::Following) => app.set_incoming(IncomingPolicy::Following).await?,
        Some(Policy::Everyone) => app.set_incoming(IncomingPolicy::Everyone).await?,
    };
    let name = match policy.incoming {
        IncomingPolicy::None => "none",
        IncomingPolicy::Following => "following",
        IncomingPolicy::Everyone => "everyone",
    };
    let note = if policy.published {
        ""
    } else {
        " (not published yet)"
    };
    Ok(terminal::say(format_args!("{name}{note}"))?)
}

async fn find(app: &App, name: &str) -> Result<RequestView, Failure> {
    account::require(app).await?;
    let name = name.trim_start_matches('@');
    let waiting = app.requests().await?.requests;
    let found = waiting
        .into_iter()
        .find(|it| it.peer.did == name || it.peer.handle.eq_ignore_ascii_case(name));
    found.ok_or_else(|| Failure::Other("there is no request of this account".to_owned()))
}
