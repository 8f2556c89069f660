//! What users do and see.

use crate::check::{Shown, View, Views};
use crate::ledger::{Ledger, Said};
use crate::log::Log;
use crate::machine::Machine;
use crate::scene::Scene;
use crate::time::World;
use sotto_core::app::App;
use sotto_core::views::MessageState;
use std::sync::Arc;
use std::time::Duration;

/// Between two attempts of a user.
pub(crate) const USER: Duration = Duration::from_secs(15);

impl Scene {
    /// Every conversation of every device.
    pub(crate) async fn views(&self) -> Result<Views, String> {
        let mut views = Views::new();
        for (number, machine) in self.machines.iter().enumerate() {
            let app = machine.app().ok_or("a client is off at the end")?;
            for conversation in app.conversations().await.map_err(|error| error.code)? {
                let did = conversation.peer.did;
                let with = self.machines.iter().position(|it| it.did.as_str() == did);
                let with = with.ok_or("a conversation with a stranger")?;
                let view = view(&app, conversation.id).await?;
                views.entry((number, with)).or_default().push(view);
            }
        }
        Ok(views)
    }
}

/// All of a conversation, oldest first.
async fn view(app: &App, conversation: String) -> Result<View, String> {
    let mut view = View::default();
    let mut before = None;
    let mut pages = Vec::new();
    loop {
        let page = app.messages(conversation.clone(), before, 200).await;
        let page = page.map_err(|error| error.code)?;
        let Some(first) = page.first() else { break };
        before = Some(first.id);
        pages.push(page);
    }
    for message in pages.into_iter().rev().flatten() {
        if let Some(notice) = message.notice {
            view.notices.push(notice);
            continue;
        }
        let text = message.text.unwrap_or_default();
        if message.mine {
            view.mine.push(Shown {
                text,
                delivered: matches!(message.state, MessageState::Delivered | MessageState::Read),
                failed: message.state == MessageState::Failed,
            });
        } else {
            view.theirs.push(text);
        }
    }
    Ok(view)
}

pub(crate) struct User {
    pub(crate) machine: Arc<Machine>,
    pub(crate) peer: String,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) world: Arc<World>,
    pub(crate) log: Arc<Log>,
}

impl User {
    /// Writes, as soon as the app runs and has the conversation.
    pub(crate) async fn says(self, said: Said) {
        loop {
            let Some(app) = self.machine.app() else {
                tokio::time::sleep(USER).await;
                continue;
            };
            let Some(conversation) = self.conversation(&app).await else {
                tokio::time::sleep(USER).await;
                continue;
            };
            self.ledger.tries(&said);
            match app.send_text(conversation, said.text.clone(), None).await {
                Ok(_) => self.ledger.takes(said, self.world.elapsed_ms()),
                Err(error) => self
                    .log
                    .note(&format!("{:?} was not taken: {}", said.text, error.code)),
            }
            return;
        }
    }

    async fn conversation(&self, app: &App) -> Option<String> {
        let known = app.conversations().await.ok()?;
        if let Some(known) = known.into_iter().find(|it| it.peer.did == self.peer) {
            return Some(known.id);
        }
        let begun = app.start_conversation(self.peer.clone()).await;
        Some(begun.ok()?.id)
    }
}
