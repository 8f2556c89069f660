//! `GET /api/events`: what changed, as one JSON text per event.

use crate::server::Shell;
use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
};
use sotto_core::views::AppEvent;

/// Accepts the WebSocket of one page.
pub(crate) async fn events(State(shell): State<Shell>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .max_message_size(1024)
        .on_upgrade(|socket| pass_on(shell, socket))
}

async fn pass_on(shell: Shell, mut socket: WebSocket) {
    let mut changes = shell.app.events();
    let mut urls = shell.browser.urls();
    loop {
        let event = tokio::select! {
            event = changes.next() => event,
            // Lagging behind eight URLs means that nobody is reading.
            url = urls.recv() => url.ok(),
            received = socket.recv() => match received {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                // Pages only listen.
                _ => None,
            },
        };
        let Some(text) = event.and_then(|event| to_json(&event)) else {
            return;
        };
        if socket.send(Message::Text(text.into())).await.is_err() {
            return;
        }
    }
}

fn to_json(event: &AppEvent) -> Option<String> {
    serde_json::to_string(event).ok()
}
