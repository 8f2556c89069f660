//! The own key in the DID document: the commands for it.

use super::App;
use super::follow::Subject;
use super::present;
use crate::account::anchoring::Stage;
use crate::db::own_anchor::Standing;
use crate::views::{AnchorStanding, AnchoringStep, AnchoringView, ErrorView, WebAnchorView};
use sotto_identity::anchoring::WebAnchor;
use std::sync::Arc;

impl App {
    pub(super) async fn anchoring_view(&self) -> Result<AnchoringView, ErrorView> {
        self.view_of(&self.subject().await?).await
    }

    pub(super) async fn checking_anchor(&self) -> Result<AnchoringView, ErrorView> {
        let subject = self.subject().await?;
        subject.anchoring.check(subject.own).await?;
        if subject.next.is_some() {
            self.follow().await?;
        }
        self.anchoring_view().await
    }

    pub(super) async fn beginning_anchoring(
        &self,
        remove: bool,
    ) -> Result<AnchoringView, ErrorView> {
        let subject = self.subject().await?;
        let vault = self.inner.vault.get();
        let vault = vault.ok_or_else(|| ErrorView::new("keyring.locked"))?;
        let oauth = self.inner.oauth(vault);
        let browser = Arc::clone(&self.inner.config.browser);
        let app = self.clone();
        // A task of its own: a page that is loaded anew meanwhile does not end it.
        let work = tokio::spawn(async move {
            let wanted = subject.wanted();
            let goal = (!remove).then_some(wanted);
            let open = move |url: &str| browser.open(url);
            let anchoring = &subject.anchoring;
            anchoring.begin(&oauth, wanted, goal, open).await?;
            match anchoring.stage() {
                // There was nothing to change.
                Stage::Idle => app.follow().await,
                _ => Ok(()),
            }
        });
        work.await.map_err(|_| ErrorView::new("internal"))??;
        self.anchoring_view().await
    }

    pub(super) async fn finishing_anchoring(
        &self,
        code: String,
    ) -> Result<AnchoringView, ErrorView> {
        let (app, subject) = (self.clone(), self.subject().await?);
        let work = tokio::spawn(async move {
            let anchoring = &subject.anchoring;
            anchoring.finish(subject.wanted(), &code).await?;
            app.follow().await
        });
        work.await.map_err(|_| ErrorView::new("internal"))??;
        self.anchoring_view().await
    }

    pub(super) async fn cancelling_anchoring(&self) -> Result<AnchoringView, ErrorView> {
        let subject = self.subject().await?;
        subject.anchoring.cancel().await;
        self.no_longer_waiting().await?;
        self.view_of(&Subject {
            next: None,
            ..subject
        })
        .await
    }

    async fn view_of(&self, subject: &Subject) -> Result<AnchoringView, ErrorView> {
        let (key, wanted) = (subject.own, subject.wanted());
        let seen = subject.anchoring.seen(key).await?;
        let web = WebAnchor::of(&subject.did, &wanted, self.inner.config.development);
        let (step, removing) = match subject.anchoring.stage() {
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
            successor: subject.next.map(|next| next.to_did_key()),
        })
    }
}
