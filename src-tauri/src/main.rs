//! The desktop window: a thin shell around [`sotto_core::app::App`]. What it shows comes from
//! `ui/`, what it does from the core; here is only what ties them to a window.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod browser;
mod commands;
mod dialog;
mod events;
mod failure;
mod graphics;
mod running;
mod window;

use std::process::ExitCode;
use tauri::{Manager, RunEvent};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    if let Some(text) = failure::to_show() {
        failure::show(&text);
        return ExitCode::FAILURE;
    }
    graphics::avoid_blank_windows();
    let filter = EnvFilter::try_from_env("SOTTO_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    failure::show_panics();
    #[cfg(target_os = "linux")]
    if gtk::init().is_err() {
        failure::end("Sotto needs a screen to open its window on.");
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            failure::report(&format!("Sotto could not open its window: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> tauri::Result<()> {
    let app = tauri::Builder::default()
        .invoke_handler(commands::handler())
        .setup(|app| {
            // Beside each other: the core opens its database while the web view starts.
            app.manage(running::Core::start(app.handle()));
            window::open(app.handle())?;
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(|handle, event| {
        if matches!(event, RunEvent::Exit) {
            handle.state::<running::Core>().shut_down();
        }
    });
    Ok(())
}
