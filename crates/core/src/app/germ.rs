//! The way to someone who does not use Sotto but Germ.

use super::App;
use crate::views::{ErrorView, GermView};

impl App {
    pub(super) async fn elsewhere(&self, handle: &str) -> Result<Option<GermView>, ErrorView> {
        let found = self.ready()?.discovery.on_germ(handle).await?;
        Ok(found.map(|found| GermView {
            handle: found.name,
            url: found.link.map(String::from),
        }))
    }

    /// The address is looked up and checked anew: the web view says whom it is about, never where
    /// to go.
    pub(super) async fn go_elsewhere(&self, handle: &str) -> Result<(), ErrorView> {
        let found = self.ready()?.discovery.on_germ(handle).await?;
        let link = found
            .and_then(|found| found.link)
            .ok_or_else(|| ErrorView::new("germ.no_link"))?;
        self.inner.config.browser.open(link.as_str())
    }
}
