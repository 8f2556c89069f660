//! What changed, told to the web view: the core announces after its commits, with ids only, and
//! the user interface reads again by id.

use sotto_core::app::Events;
use tauri::{AppHandle, Emitter};

/// The name under which `ui/src/lib/backend/tauri.ts` listens.
const EVENT: &str = "app-event";

/// Passes events on until the app is gone.
pub(crate) async fn pass_on(mut events: Events, window: AppHandle) {
    while let Some(event) = events.next().await {
        if let Err(error) = window.emit_to(crate::window::LABEL, EVENT, event) {
            tracing::warn!(%error, "the window did not hear of a change");
        }
    }
}
