//! `sotto search`.

use crate::{Failure, account, conversation, terminal};
use sotto_core::app::App;
use sotto_core::views::SearchHitView;
use std::collections::HashMap;

/// Results of one answer of the core.
const PAGE: u32 = 50;

/// Arguments of `sotto search`.
#[derive(clap::Args)]
pub(crate) struct Search {
    /// Words that a message must hold; the last one may be unfinished.
    #[arg(required = true)]
    words: Vec<String>,
    /// Only messages with this account.
    #[arg(long, value_name = "HANDLE")]
    with: Option<String>,
    /// How many messages at most, the newest first.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

/// Prints the messages that hold all the words.
pub(crate) async fn search(app: &App, arguments: Search) -> Result<(), Failure> {
    account::require(app).await?;
    let within = match &arguments.with {
        None => None,
        Some(name) => {
            let found = conversation::existing(app, name).await?;
            let missing = || Failure::Other("there is no conversation with this account".into());
            Some(found.ok_or_else(missing)?.id)
        }
    };
    let conversations = app.conversations().await?.into_iter();
    let handles: HashMap<String, String> =
        conversations.map(|it| (it.id, it.peer.handle)).collect();
    let (query, mut before, mut left) = (arguments.words.join(" "), None, arguments.limit);
    while left > 0 {
        let limit = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
        let found = app
            .search(query.clone(), within.clone(), before, limit)
            .await?;
        left -= left.min(found.hits.len());
        for hit in found.hits {
            let handle = handles.get(&hit.conversation_id);
            print(&hit, handle.map_or("?", String::as_str), arguments.json)?;
        }
        before = found.more;
        if before.is_none() {
            break;
        }
    }
    Ok(())
}

fn print(hit: &SearchHitView, handle: &str, json: bool) -> Result<(), Failure> {
    if json {
        let mut object = serde_json::to_value(hit).unwrap_or_default();
        if let Some(fields) = object.as_object_mut() {
            fields.insert("handle".to_owned(), handle.into());
        }
        return Ok(terminal::say(object)?);
    }
    let who = if hit.mine { "you" } else { handle };
    let text = terminal::printable(&hit.snippet);
    Ok(terminal::say(format_args!("{handle}\t{who}: {text}"))?)
}
