//! When Sotto cannot go on, it says so in a dialog and ends: never a blank window.

use sotto_core::views::ErrorView;
use std::process::Command;

/// The text to show, for a process that is started only to show it.
const TEXT: &str = "SOTTO_FAILURE";

/// Whether this process is here only to show a text.
pub(crate) fn to_show() -> Option<String> {
    std::env::var(TEXT).ok()
}

/// Shows a dialog, where there is a screen for it, and waits until it is closed.
#[cfg(target_os = "linux")]
pub(crate) fn show(text: &str) {
    use gtk::{ButtonsType, DialogFlags, MessageDialog, MessageType, Window, prelude::*};
    if gtk::init().is_ok() {
        let (plain, error) = (DialogFlags::empty(), MessageType::Error);
        let dialog = MessageDialog::new(None::<&Window>, plain, error, ButtonsType::Close, text);
        dialog.set_title("Sotto");
        dialog.run();
    }
}

/// Shows a dialog and waits until it is closed.
#[cfg(not(target_os = "linux"))]
pub(crate) fn show(text: &str) {
    let dialog = rfd::MessageDialog::new().set_level(rfd::MessageLevel::Error);
    dialog.set_title("Sotto").set_description(text).show();
}

/// Logs a failure and shows it from a process of its own: this one may be in any state, and its
/// threads may be holding whatever a dialog needs.
pub(crate) fn report(text: &str) {
    tracing::error!("{text}");
    if let Err(error) = std::env::current_exe().and_then(|this| spawn(this, text)) {
        tracing::error!(%error, "no dialog");
    }
}

fn spawn(this: std::path::PathBuf, text: &str) -> std::io::Result<std::process::Child> {
    let mut command = Command::new(this);
    // Whoever ends this process and its group leaves the user the explanation.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.env(TEXT, text).spawn()
}

/// Reports a failure and ends the process.
pub(crate) fn end(text: &str) -> ! {
    report(text);
    std::process::exit(1)
}

/// Makes a panic anywhere end the program, with a word: what is left after one would look alive
/// and do nothing. The message of the panic is not shown, it could hold anything.
pub(crate) fn show_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(String::new, ToString::to_string);
        report(&format!("Sotto had to stop: internal error at {place}."));
        std::process::exit(101);
    }));
}

/// A start-up failure in words.
pub(crate) fn sentence(error: &ErrorView) -> String {
    let what = match error.code.as_str() {
        "database.locked" => "Sotto is already running.",
        "database.full" => "The disk is full. Make room, then start Sotto again.",
        "keyring.locked" => "The keyring is locked. Unlock it, then start Sotto again.",
        "keyring.unavailable" => "The keyring does not answer. Start Sotto again later.",
        _ => "Sotto could not start.",
    };
    format!("{what}\n\n({error})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_the_code() {
        let text = sentence(&ErrorView::with_detail("internal", "no such folder"));
        assert_eq!(text, "Sotto could not start.\n\n(internal: no such folder)");
    }
}
