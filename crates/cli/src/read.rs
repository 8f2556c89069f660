//! `sotto read`.

use crate::{Failure, conversation, terminal};
use sotto_core::app::App;
use sotto_core::views::{AttachmentView, ConversationView, MessageState, MessageView};

/// Arguments of `sotto read`.
#[derive(clap::Args)]
pub(crate) struct Read {
    /// With whom.
    handle: String,
    /// How many of the latest messages.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// One JSON object per line.
    #[arg(long, conflicts_with = "ids")]
    json: bool,
    /// With the number of each message, for other commands.
    #[arg(long)]
    ids: bool,
}

/// Prints the latest messages, oldest first, and marks them read.
pub(crate) async fn read(app: &App, arguments: Read) -> Result<(), Failure> {
    let Some(conversation) = conversation::existing(app, &arguments.handle).await? else {
        return Err(Failure::Other(
            "there is no conversation with this account".to_owned(),
        ));
    };
    for message in latest(app, &conversation.id, arguments.limit).await? {
        if arguments.ids {
            let line = line(&conversation, &message);
            terminal::say(format_args!("{}\t{line}", message.id))?;
        } else {
            print(&conversation, &message, arguments.json)?;
        }
    }
    Ok(app.mark_read(conversation.id).await?)
}

/// Page by page: the core gives a limited number at once.
async fn latest(app: &App, id: &str, limit: u32) -> Result<Vec<MessageView>, Failure> {
    let mut found: Vec<MessageView> = Vec::new();
    loop {
        let missing = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_sub(found.len());
        let before = found.first().map(|message| message.id);
        let page_size = u32::try_from(missing.min(200)).unwrap_or(200);
        if page_size == 0 {
            return Ok(found);
        }
        let mut page = app.messages(id.to_owned(), before, page_size).await?;
        if page.is_empty() {
            return Ok(found);
        }
        page.append(&mut found);
        found = page;
    }
}

/// One message, for a person or for a script.
pub(crate) fn print(
    conversation: &ConversationView,
    message: &MessageView,
    json: bool,
) -> Result<(), Failure> {
    if json {
        return Ok(terminal::say(object(conversation, message))?);
    }
    Ok(terminal::say(line(conversation, message))?)
}

fn line(conversation: &ConversationView, message: &MessageView) -> String {
    if let Some(code) = &message.notice {
        let name = terminal::printable(&conversation.peer.handle);
        return format!("-- {}", notice(code, &name));
    }
    let who = if message.mine {
        "you"
    } else {
        &conversation.peer.handle
    };
    let text = match &message.text {
        Some(text) => text,
        None if message.deleted => "[deleted]",
        None => "[not supported by this version]",
    };
    let state = match message.state {
        MessageState::Sending => " …",
        MessageState::Failed => " !",
        MessageState::Sent
        | MessageState::Delivered
        | MessageState::Read
        | MessageState::Received => "",
    };
    let edited = message.edited_at.map_or("", |_| " (edited)");
    let reactions: String = message
        .reactions
        .iter()
        .map(|it| format!(" {}", it.emoji))
        .collect();
    let (text, reactions) = (terminal::printable(text), terminal::printable(&reactions));
    let files: String = message
        .attachments
        .iter()
        .map(|it| file(message.id, it))
        .collect();
    format!("{who}: {text}{edited}{reactions}{state}{files}")
}

/// A line below it, with what `sotto save` wants to know.
fn file(message: i64, file: &AttachmentView) -> String {
    let warning = if file.dangerous {
        ", may run something"
    } else {
        ""
    };
    let (index, name, size) = (file.index, terminal::printable(&file.name), file.size);
    format!("\n  [{message} {index}: {name}, {size} bytes{warning}]")
}

/// What a line says that is no message (docs/protocol.md §3.7).
fn notice(code: &str, name: &str) -> String {
    match code {
        "notice.repair-asked" => format!(
            "some messages from {name} could not be read and were asked for again; some may be missing"
        ),
        "notice.repaired-by-peer" => {
            format!("{name} could not read some messages; what was not confirmed is sent again")
        }
        "notice.set-back" => format!(
            "the data here was older than what had come from {name}; messages may be missing"
        ),
        "notice.device-new" => format!("{name} uses another device"),
        other => other.to_owned(),
    }
}

/// The message with the handle of its conversation.
fn object(conversation: &ConversationView, message: &MessageView) -> serde_json::Value {
    let mut object = serde_json::to_value(message).unwrap_or_default();
    if let Some(fields) = object.as_object_mut() {
        fields.insert("handle".to_owned(), conversation.peer.handle.clone().into());
    }
    object
}
