//! `sotto send-file`, `sotto fetch` and `sotto save`.

use crate::{Failure, conversation, send, terminal};
use sotto_core::app::App;
use sotto_core::views::{AppEvent, AttachmentState, AttachmentView};
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `sotto send-file`.
#[derive(clap::Args)]
pub(crate) struct SendFile {
    /// To whom.
    handle: String,
    /// The file.
    path: PathBuf,
    /// What to say with it.
    #[arg(long, default_value = "")]
    caption: String,
    /// How far it must have come before this command ends.
    #[arg(long, value_enum, default_value = "sent")]
    wait: send::Wait,
    /// How long to wait for that, in seconds.
    #[arg(long, default_value_t = 3600)]
    timeout: u64,
}

/// Arguments of `sotto save`.
#[derive(clap::Args)]
pub(crate) struct Save {
    /// The message, as `sotto read --json` names it.
    message_id: i64,
    /// Which of its files, from 0.
    index: u32,
    /// Where to: a file, which is replaced, or a folder.
    path: PathBuf,
    /// How long fetching it may take, in seconds.
    #[arg(long, default_value_t = 3600)]
    timeout: u64,
}

/// Sends a file, and waits.
pub(crate) async fn send_file(app: &App, arguments: SendFile) -> Result<(), Failure> {
    let id = conversation::with(app, &arguments.handle).await?.id;
    // Before the message, so that no event is missed.
    let events = app.events();
    let sent = app
        .send_file(id, arguments.path, arguments.caption)
        .await?
        .id;
    let timeout = Duration::from_secs(arguments.timeout);
    send::until_there(app, events, [sent].into(), arguments.wait, timeout).await
}

/// Fetches a file where it is not here yet, saves it, and says where.
pub(crate) async fn save(app: &App, arguments: Save) -> Result<(), Failure> {
    let limit = Duration::from_secs(arguments.timeout);
    match tokio::time::timeout(limit, fetched(app, &arguments)).await {
        Ok(outcome) => outcome?,
        Err(_) => return Err(Failure::TimedOut("the file is not all here yet")),
    }
    let saved = app
        .save_attachment(arguments.message_id, arguments.index, arguments.path)
        .await?;
    Ok(terminal::say(saved.display())?)
}

async fn fetched(app: &App, arguments: &Save) -> Result<(), Failure> {
    let mut events = app.events();
    let (id, index) = (arguments.message_id, arguments.index);
    let mut asked = false;
    loop {
        let attachment = attachment(app, id, index).await?;
        match attachment.state {
            AttachmentState::Here => return Ok(()),
            AttachmentState::Remote | AttachmentState::Failed | AttachmentState::Gone if !asked => {
                app.fetch_attachment(id, index).await?;
                asked = true;
            }
            AttachmentState::Failed | AttachmentState::Gone => {
                return Err(match attachment.error {
                    Some(error) => Failure::Core(error),
                    None => Failure::Other("the file could not be fetched".to_owned()),
                });
            }
            _ => {}
        }
        loop {
            match events.next().await {
                Some(AppEvent::Messages { ids, .. }) if ids.contains(&id) => break,
                Some(AppEvent::Overflowed) => break,
                Some(_) => {}
                None => return Err(Failure::Other("interrupted".to_owned())),
            }
        }
    }
}

async fn attachment(app: &App, id: i64, index: u32) -> Result<AttachmentView, Failure> {
    let message = app.messages_by_id(vec![id]).await?.into_iter().next();
    message
        .and_then(|it| it.attachments.into_iter().find(|it| it.index == index))
        .ok_or_else(|| Failure::Other("there is no such file".to_owned()))
}
