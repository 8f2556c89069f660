//! The system's dialogs for files: the web view names no paths, the user does.

use std::path::PathBuf;
use tauri::AppHandle;

/// Lets the user choose a file; `None` where nothing was chosen.
pub(crate) async fn open(app: &AppHandle) -> Option<PathBuf> {
    shown(app, None).await
}

/// Lets the user say where to save a file; the dialog asks before one is replaced.
pub(crate) async fn save(app: &AppHandle, name: String) -> Option<PathBuf> {
    shown(app, Some(name)).await
}

/// GTK belongs to the main thread.
#[cfg(target_os = "linux")]
async fn shown(app: &AppHandle, save_as: Option<String>) -> Option<PathBuf> {
    let (answer, outcome) = tokio::sync::oneshot::channel();
    app.run_on_main_thread(move || show(save_as.as_deref(), answer))
        .ok()?;
    outcome.await.ok()?
}

#[cfg(target_os = "linux")]
fn show(save_as: Option<&str>, answer: tokio::sync::oneshot::Sender<Option<PathBuf>>) {
    use gtk::{FileChooserAction, FileChooserNative, ResponseType, Window, prelude::*};
    let action = match save_as {
        Some(_) => FileChooserAction::Save,
        None => FileChooserAction::Open,
    };
    let dialog = FileChooserNative::new(Some("Sotto"), None::<&Window>, action, None, None);
    if let Some(name) = save_as {
        dialog.set_current_name(name);
        dialog.set_do_overwrite_confirmation(true);
    }
    let answer = std::cell::Cell::new(Some(answer));
    // The clone keeps the dialog alive until it is answered.
    let kept = std::cell::Cell::new(Some(dialog.clone()));
    dialog.connect_response(move |dialog, response| {
        let chosen = (response == ResponseType::Accept).then(|| dialog.filename());
        if let Some(answer) = answer.take() {
            // The window may be gone.
            let _ = answer.send(chosen.flatten());
        }
        drop(kept.take());
    });
    dialog.show();
}

#[cfg(not(target_os = "linux"))]
async fn shown(_: &AppHandle, save_as: Option<String>) -> Option<PathBuf> {
    let dialog = rfd::AsyncFileDialog::new();
    let chosen = match save_as {
        Some(name) => dialog.set_file_name(name).save_file().await,
        None => dialog.pick_file().await,
    };
    chosen.map(|file| file.path().to_owned())
}
