//! `sotto watch`.

use crate::read::print;
use crate::{Failure, account};
use sotto_core::app::App;
use sotto_core::views::{AppEvent, ConversationView, MessageView};

/// Arguments of `sotto watch`.
#[derive(clap::Args)]
pub(crate) struct Watch {
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

/// Message ids only grow: what is above the last one printed is new.
pub(crate) async fn watch(app: &App, arguments: Watch) -> Result<(), Failure> {
    account::require(app).await?;
    let mut events = app.events();
    let mut last = 0;
    for conversation in app.conversations().await? {
        let newest = app.messages(conversation.id, None, 1).await?;
        last = newest.iter().map(|message| message.id).fold(last, i64::max);
    }
    while let Some(event) = events.next().await {
        let conversations = match event {
            AppEvent::Messages {
                conversation_id, ..
            } => app
                .conversation(conversation_id)
                .await?
                .into_iter()
                .collect(),
            AppEvent::Overflowed => app.conversations().await?,
            _ => continue,
        };
        let mut highest = last;
        for conversation in conversations {
            for message in newer(app, &conversation, last).await? {
                highest = highest.max(message.id);
                if !message.mine {
                    print(&conversation, &message, arguments.json)?;
                }
            }
        }
        last = highest;
    }
    Ok(())
}

async fn newer(
    app: &App,
    conversation: &ConversationView,
    last: i64,
) -> Result<Vec<MessageView>, Failure> {
    let mut found: Vec<MessageView> = Vec::new();
    loop {
        let before = found.first().map(|message| message.id);
        let mut page = app.messages(conversation.id.clone(), before, 100).await?;
        let reached = page.is_empty() || page.iter().any(|message| message.id <= last);
        page.retain(|message| message.id > last);
        page.append(&mut found);
        found = page;
        if reached {
            return Ok(found);
        }
    }
}
