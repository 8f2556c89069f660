//! The user is in a browser already: its page is told to open the URL.

use sotto_core::{
    app::Browser,
    views::{AppEvent, ErrorView},
};
use tokio::sync::broadcast;

/// Passes URLs on to the pages that listen.
pub(crate) struct BrowserOfTheUi(broadcast::Sender<AppEvent>);

impl Default for BrowserOfTheUi {
    fn default() -> Self {
        Self(broadcast::channel(8).0)
    }
}

impl BrowserOfTheUi {
    /// The URLs to open from now on.
    pub(crate) fn urls(&self) -> broadcast::Receiver<AppEvent> {
        self.0.subscribe()
    }
}

impl Browser for BrowserOfTheUi {
    fn open(&self, url: &str) -> Result<(), ErrorView> {
        let event = AppEvent::OpenUrl {
            url: url.to_owned(),
        };
        match self.0.send(event) {
            Ok(_) => Ok(()),
            Err(_) => Err(ErrorView::with_detail("oauth.browser", "no page is open")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_reaches_the_page() {
        let browser = BrowserOfTheUi::default();
        let mut page = browser.urls();
        browser.open("http://localhost/").unwrap();
        let expected = AppEvent::OpenUrl {
            url: "http://localhost/".to_owned(),
        };
        assert_eq!(page.try_recv().unwrap(), expected);
    }

    #[test]
    fn without_a_page_it_says_so() {
        let error = BrowserOfTheUi::default()
            .open("http://localhost/")
            .unwrap_err();
        assert_eq!(error.code, "oauth.browser");
    }
}
