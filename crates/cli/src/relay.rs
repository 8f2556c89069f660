//! The own relay.

use crate::{Failure, account, terminal};
use sotto_core::app::App;
use sotto_core::views::RelayView;

/// Arguments of `sotto move-relay`.
#[derive(clap::Args)]
pub(crate) struct MoveRelay {
    /// The relay to receive messages at from now on.
    #[arg(value_name = "DOMAIN")]
    relay: String,
    /// Only say whether it would take the account.
    #[arg(long)]
    check: bool,
}

/// `sotto move-relay`.
pub(crate) async fn move_relay(app: &App, arguments: MoveRelay) -> Result<(), Failure> {
    account::require(app).await?;
    if arguments.check {
        let offer = app.check_relay(arguments.relay).await?;
        let files = offer.file_days.map_or_else(
            || "no files".to_owned(),
            |days| format!("files for {days} days"),
        );
        return Ok(terminal::say(format_args!(
            "{} keeps messages for {} days, {files}",
            offer.domain, offer.message_days
        ))?);
    }
    let relay = app.move_relay(arguments.relay).await?;
    terminal::say(&relay.domain)?;
    former(&relay)
}

/// Relays that were left, one a line.
pub(crate) fn former(relay: &RelayView) -> Result<(), Failure> {
    for former in &relay.former {
        terminal::say(format_args!(
            "{} is still collected from ({} to follow)",
            former.domain, former.awaited_peers
        ))?;
    }
    Ok(())
}
