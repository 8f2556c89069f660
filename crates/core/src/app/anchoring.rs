//! The own key in the DID document: the commands for it.

use super::App;
use super::phase::Ready;
use super::present;
use crate::account::anchoring::Stage;
use crate::db::own_anchor::Standing;
use crate::views::{AnchorStanding, AnchoringStep, AnchoringView, ErrorView, WebAnchorView};
use sotto_identity::anchoring::WebAnchor;
use std::sync::Arc;

impl App {
    pub(super) async fn anchoring_view(&self) -> Result<AnchoringView, ErrorView> {
        let ready = self.ready()?;
        self.view_of(&ready).await
    }

    pub(super) async fn checking_anchor(&self) -> Result<AnchoringView, ErrorView> {
        let ready = self.ready()?;
        ready
            .anchoring
            .check(ready.own.delegate_key.public())
            .await?;
        self.view_of(&ready).await
    }

    pub(super) async fn beginning_anchoring(
        &self,
        remove: bool,
    ) -> Result<AnchoringView, ErrorView> {
        let ready = self.ready()?;
        let vault = self.inner.vault.get();
        let vault = vault.ok_or_else(|| ErrorView::new("keyring.locked"))?;
        let oauth = self.inner.oauth(vault);
        let browser = Arc::clone(&self.inner.config.browser);
        let (anchoring, own) = (
            Arc::clone(&ready.anchoring),
            ready.own.delegate_key.public(),
        );
        // A task of its own: a page that is loaded anew meanwhile does not end it.
        let work = tokio::spawn(async move {
            let goal = (!remove).then_some(own);
            let open = move |url: &str| browser.open(url);
            anchoring.begin(&oauth, own, goal, open).await
        });
        work.await.map_err(|_| ErrorView::new("internal"))??;
        self.view_of(&ready).await
    }

    pub(super) async fn finishing_anchoring(
        &self,
        code: String,
    ) -> Result<AnchoringView, ErrorView> {
        let ready = self.ready()?;
        let (anchoring, own) = (
            Arc::clone(&ready.anchoring),
            ready.own.delegate_key.public(),
        );
        let work = tokio::spawn(async move { anchoring.finish(own, &code).await });
        work.await.map_err(|_| ErrorView::new("internal"))??;
        self.view_of(&ready).await
    }

    pub(super) async fn cancelling_anchoring(&self) -> Result<AnchoringView, ErrorView> {
        let ready = self.ready()?;
        ready.anchoring.cancel().await;
        self.view_of(&ready).await
    }

    async fn view_of(&self, ready: &Ready) -> Result<AnchoringView, ErrorView> {
        let key = ready.own.delegate_key.public();
        let seen = ready.anchoring.seen(key).await?;
        let web = WebAnchor::of(&ready.own.did, &key, self.inner.config.development);
        let (step, removing) = match ready.anchoring.stage() {
            Stage::Idle => (AnchoringStep::Idle, false),
            Stage::Browser { goal, .. } => (AnchoringStep::Browser, goal.is_none()),
            Stage::Code { goal, .. } => (AnchoringStep::Code, goal.is_none()),
        };
        Ok(AnchoringView {
            key: key.to_did_key(),
            standing: match seen.map(|seen| seen.standing) {
                None => AnchorStanding::Unknown,
                Some(Standing::Absent) => AnchorStanding::Absent,
                Some(Standing::Ours) => AnchorStanding::Anchored,
                Some(Standing::Other) => AnchorStanding::OtherKey,
            },
            since: seen.map(|seen| present::signed(seen.since)),
            checked_at: seen.map(|seen| present::signed(seen.checked_at)),
            web: web.map(|web| WebAnchorView {
                document_url: web.document.to_string(),
                entry: web.entry,
            }),
            step,
            removing,
        })
    }
}
