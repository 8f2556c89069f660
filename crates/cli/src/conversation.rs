//! Finding conversations.

use crate::{Failure, account, terminal};
use sotto_core::app::App;
use sotto_core::views::ConversationView;

/// The conversation with an account, by handle or DID; opened where there is none yet. One that
/// exists is found without the network.
pub(crate) async fn with(app: &App, name: &str) -> Result<ConversationView, Failure> {
    if let Some(known) = existing(app, name).await? {
        return Ok(known);
    }
    Ok(app.start_conversation(name.to_owned()).await?)
}

/// The same, only where there is one.
pub(crate) async fn existing(app: &App, name: &str) -> Result<Option<ConversationView>, Failure> {
    account::require(app).await?;
    let name = name.trim_start_matches('@');
    let conversations = app.conversations().await?;
    Ok(conversations
        .into_iter()
        .find(|it| it.peer.did == name || it.peer.handle.eq_ignore_ascii_case(name)))
}

/// `sotto conversations`.
pub(crate) async fn list(app: &App) -> Result<(), Failure> {
    account::require(app).await?;
    for it in app.conversations().await? {
        let preview = it.preview.unwrap_or_default();
        let preview = terminal::printable(preview.lines().next().unwrap_or_default());
        terminal::say(format_args!("{}\t{}\t{preview}", it.peer.handle, it.unread))?;
    }
    Ok(())
}
