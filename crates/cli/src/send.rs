//! `sotto send`.

use crate::{Failure, conversation};
use sotto_core::app::{App, Events};
use sotto_core::views::{AppEvent, MessageState, MessageView};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// Arguments of `sotto send`.
#[derive(clap::Args)]
pub(crate) struct Send {
    /// To whom.
    handle: String,
    /// What; `-` sends each line of standard input as one message.
    text: String,
    /// The message that this one answers; `sotto read --ids` prints the numbers.
    #[arg(long, value_name = "ID")]
    reply_to: Option<i64>,
    /// How far it must have come before this command ends.
    #[arg(long, value_enum, default_value = "sent")]
    wait: Wait,
    /// How long to wait for that, in seconds.
    #[arg(long, default_value_t = 60)]
    timeout: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Wait {
    /// Every relay it goes to has it.
    Sent,
    /// Every device it goes to has it.
    Delivered,
}

/// Sends, and waits.
pub(crate) async fn send(app: &App, arguments: Send) -> Result<(), Failure> {
    let id = conversation::with(app, &arguments.handle).await?.id;
    // Before the first message, so that no event is missed.
    let events = app.events();
    let mut waiting = BTreeSet::new();
    if arguments.text == "-" {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Some(line) = lines.next_line().await? {
            waiting.insert(
                app.send_text(id.clone(), line, arguments.reply_to)
                    .await?
                    .id,
            );
        }
    } else {
        waiting.insert(
            app.send_text(id.clone(), arguments.text, arguments.reply_to)
                .await?
                .id,
        );
    }
    let timeout = Duration::from_secs(arguments.timeout);
    until_there(app, events, waiting, arguments.wait, timeout).await
}

/// Waits until all of `waiting` have come far enough; `events` began before they were written.
pub(crate) async fn until_there(
    app: &App,
    mut events: Events,
    mut waiting: BTreeSet<i64>,
    wait: Wait,
    timeout: Duration,
) -> Result<(), Failure> {
    let arrival = async {
        let mut news = Some(AppEvent::Overflowed);
        while let Some(event) = news.take() {
            settle(app, wait, &mut waiting, &event).await?;
            if waiting.is_empty() {
                break;
            }
            news = events.next().await;
        }
        Ok(())
    };
    match tokio::time::timeout(timeout, arrival).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::TimedOut(
            "still on its way; it goes on when Sotto runs again",
        )),
    }
}

/// Takes out of `waiting` what has come far enough.
async fn settle(
    app: &App,
    wait: Wait,
    waiting: &mut BTreeSet<i64>,
    event: &AppEvent,
) -> Result<(), Failure> {
    let ids: Vec<i64> = match event {
        AppEvent::Messages { ids, .. } => ids
            .iter()
            .copied()
            .filter(|id| waiting.contains(id))
            .collect(),
        AppEvent::Overflowed => waiting.iter().copied().collect(),
        _ => return Ok(()),
    };
    if ids.is_empty() {
        return Ok(());
    }
    for message in app.messages_by_id(ids).await? {
        if has_come(&message, wait)? {
            waiting.remove(&message.id);
        }
    }
    Ok(())
}

fn has_come(message: &MessageView, wait: Wait) -> Result<bool, Failure> {
    match message.state {
        MessageState::Failed => Err(match &message.error {
            Some(error) => Failure::Core(error.clone()),
            None => Failure::Other("the message could not be sent".to_owned()),
        }),
        MessageState::Delivered | MessageState::Read => Ok(true),
        MessageState::Sent => Ok(wait == Wait::Sent),
        MessageState::Sending | MessageState::Received => Ok(false),
    }
}
