//! The system's web browser, for signing in.

use sotto_core::{app::Browser, views::ErrorView};
use std::process::{Command, Stdio};

/// Opens URLs in what `$BROWSER` names, or else where the system opens them.
pub(crate) struct SystemBrowser;

impl Browser for SystemBrowser {
    fn open(&self, url: &str) -> Result<(), ErrorView> {
        let named = std::env::var("BROWSER").unwrap_or_default();
        // A list, as in xdg-open; the first that can be started gets the URL.
        let started = named
            .split(':')
            .filter(|name| !name.is_empty())
            .any(|name| start(name, url));
        if started {
            return Ok(());
        }
        open::that_detached(url).map_err(|error| ErrorView::with_detail("oauth.browser", error))
    }
}

fn start(program: &str, url: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    // Waited for, so that it leaves no zombie behind.
    std::thread::spawn(move || child.wait());
    true
}
