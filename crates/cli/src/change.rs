//! `sotto react`, `sotto edit`, `sotto delete` and `sotto timer`.

use crate::{Failure, account, conversation};
use sotto_core::app::App;

/// Arguments of `sotto react`.
#[derive(clap::Args)]
pub(crate) struct React {
    /// Which message; `sotto read --ids` prints the numbers.
    message: i64,
    /// With what, one character; without it, the reaction is withdrawn.
    emoji: Option<String>,
}

/// Arguments of `sotto edit`.
#[derive(clap::Args)]
pub(crate) struct Edit {
    /// Which message; `sotto read --ids` prints the numbers.
    message: i64,
    /// What it is to say.
    text: String,
}

/// Arguments of `sotto delete`.
#[derive(clap::Args)]
pub(crate) struct Delete {
    /// Which message; `sotto read --ids` prints the numbers.
    message: i64,
    /// For the other one, too.
    #[arg(long)]
    for_everyone: bool,
}

/// Arguments of `sotto timer`.
#[derive(clap::Args)]
pub(crate) struct Timer {
    /// With whom.
    handle: String,
    /// After how many seconds new messages disappear; without it, they stay.
    seconds: Option<u32>,
}

/// Reacts to a message.
pub(crate) async fn react(app: &App, arguments: React) -> Result<(), Failure> {
    account::require(app).await?;
    Ok(app.react(arguments.message, arguments.emoji).await?)
}

/// Gives an own message another text.
pub(crate) async fn edit(app: &App, arguments: Edit) -> Result<(), Failure> {
    account::require(app).await?;
    Ok(app.edit_message(arguments.message, arguments.text).await?)
}

/// Deletes a message.
pub(crate) async fn delete(app: &App, arguments: Delete) -> Result<(), Failure> {
    account::require(app).await?;
    let Delete {
        message,
        for_everyone,
    } = arguments;
    Ok(app.delete_message(message, for_everyone).await?)
}

/// Chooses when messages disappear.
pub(crate) async fn timer(app: &App, arguments: Timer) -> Result<(), Failure> {
    let id = conversation::with(app, &arguments.handle).await?.id;
    Ok(app.set_timer(id, arguments.seconds).await?)
}
