//! The one [`App`] of this process, which is there a moment after the window.

use crate::{browser::SystemBrowser, events, failure};
use sotto_core::{
    app::{App, Config},
    views::ErrorView,
};
use std::{sync::Arc, time::Duration};
use tauri::{AppHandle, async_runtime};
use tokio::sync::watch;

/// Closing the window must not take longer than this, whatever the network does.
const SHUT_DOWN: Duration = Duration::from_secs(3);

/// Hands out the app; managed by Tauri as state of the commands.
pub(crate) struct Core(watch::Receiver<Option<App>>);

impl Core {
    /// Starts the app in the background. Where that fails, the process says so and ends: there is
    /// nothing the window could show.
    pub(crate) fn start(window: &AppHandle) -> Self {
        let (started, receiver) = watch::channel(None);
        let window = window.clone();
        async_runtime::spawn(async move {
            match start().await {
                Ok(app) => {
                    async_runtime::spawn(events::pass_on(app.events(), window));
                    started.send_replace(Some(app));
                }
                Err(error) => failure::end(&failure::sentence(&error)),
            }
        });
        Self(receiver)
    }

    /// The app, once it has started.
    ///
    /// # Errors
    /// `internal`, where it never will.
    pub(crate) async fn app(&self) -> Result<App, ErrorView> {
        let mut receiver = self.0.clone();
        let started = receiver.wait_for(Option::is_some).await;
        let app = started.ok().and_then(|app| app.clone());
        app.ok_or_else(|| ErrorView::new("internal"))
    }

    /// Closes the database and lets go of the network.
    pub(crate) fn shut_down(&self) {
        let app = self.0.borrow().clone();
        if let Some(app) = app {
            let shut_down = async { tokio::time::timeout(SHUT_DOWN, app.shutdown()).await };
            if async_runtime::block_on(shut_down).is_err() {
                tracing::warn!("the core was still busy when the window closed");
            }
        }
    }
}

async fn start() -> Result<App, ErrorView> {
    App::start(Config::from_env(Arc::new(SystemBrowser))?).await
}
