//! The app behind HTTP and a WebSocket, for browser tests and for machines without a display.
//! A development tool: it listens on loopback only, serves one user, and is never shipped.

mod api;
mod browser;
mod events;
mod files;
mod gate;
mod server;
mod settings;

use crate::{browser::BrowserOfTheUi, files::Chosen, server::Shell, settings::Settings};
use sotto_core::app::{App, Config};
use std::{process::ExitCode, sync::Arc};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("SOTTO_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("not started: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let browser = Arc::new(BrowserOfTheUi::default());
    let app = App::start(Config::from_env(browser.clone())?).await?;
    let shell = Shell {
        app: app.clone(),
        browser,
        gate: settings.gate(),
        chosen: Arc::new(Chosen::new()?),
    };
    let listener = tokio::net::TcpListener::bind(settings.listen).await?;
    tracing::info!("listening on http://{}/", settings.listen);

    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    tokio::select! {
        served = axum::serve(listener, server::router(shell, &settings.ui)) => served?,
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    app.shutdown().await;
    Ok(())
}
