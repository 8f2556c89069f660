//! The browser for signing in: the system's, or whoever reads standard output.

use crate::terminal;
use sotto_core::app::Browser;
use sotto_core::views::ErrorView;

/// Opens URLs, or prints them.
pub(crate) struct SystemBrowser {
    pub(crate) print_url: bool,
}

impl Browser for SystemBrowser {
    fn open(&self, url: &str) -> Result<(), ErrorView> {
        let shown = if self.print_url {
            terminal::say(url)
        } else {
            terminal::complain("sign in with the browser that opens now");
            open::that_detached(url)
        };
        shown.map_err(|error| ErrorView::with_detail("oauth.browser", error))
    }
}
