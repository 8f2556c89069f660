//! Keys that wait for the DID document: a rotation and a takeover of an anchored account go on once
//! it names the next key (docs/protocol.md §1.10, §1.12).

use super::App;
use super::phase::{Phase, Ready, SignedIn};
use crate::account::anchoring::Anchoring;
use crate::account::relay_name;
use crate::account::set_up::SetUpError;
use crate::account::takeover::Takeover;
use crate::db::{OwnAccount, own, own_takeover, pending};
use crate::views::ErrorView;
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use std::sync::Arc;

/// Whose document it is about, and which keys.
pub(super) struct Subject {
    pub(super) anchoring: Arc<Anchoring>,
    pub(super) did: Did,
    /// This device's key.
    pub(super) own: PublicKey,
    /// The one that is to take its place, or that of another device.
    pub(super) next: Option<PublicKey>,
}

impl Subject {
    /// The key that the document is to name.
    pub(super) fn wanted(&self) -> PublicKey {
        self.next.unwrap_or(self.own)
    }
}

impl App {
    /// What there is to anchor in this phase.
    pub(super) async fn subject(&self) -> Result<Subject, ErrorView> {
        match self.inner.phase() {
            Phase::Ready(ready) => {
                let pending = ready.database.read(|tx| pending::load(tx)).await?;
                Ok(Subject {
                    anchoring: Arc::clone(&ready.anchoring),
                    did: ready.own.did.clone(),
                    own: ready.own.delegate_key.public(),
                    next: pending.map(|pending| pending.delegate_key.public()),
                })
            }
            Phase::Elsewhere(signed_in) => {
                let waits = signed_in.database.read(|tx| own_takeover::load(tx)).await?;
                let key = waits.map(|how| how.key().public()).ok_or_else(nothing)?;
                Ok(signed_in.subject(key, Some(key)))
            }
            Phase::SettingUp(signed_in) => {
                let own = signed_in.database.read(|tx| own::load(tx)).await?;
                let own = own.ok_or_else(nothing)?;
                Ok(signed_in.subject(own.delegate_key.public(), None))
            }
            _ => Err(nothing()),
        }
    }

    /// Goes on with whatever waited for the document. Where that fails for now, it is tried again.
    pub(super) async fn follow(&self) -> Result<(), ErrorView> {
        match self.inner.phase() {
            Phase::Ready(ready) => {
                if ready.database.read(|tx| pending::load(tx)).await?.is_none() {
                    return Ok(());
                }
                let gone_on = self.go_on_rotating().await;
                if gone_on.is_err() {
                    self.resume_rotation(&ready);
                }
                gone_on.map(drop)
            }
            Phase::Elsewhere(signed_in) => {
                let waits = signed_in.database.read(|tx| own_takeover::load(tx)).await?;
                match waits {
                    Some(how) => self.taking_over(how).await,
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Rotates, or goes on: whether it is done, or waits for the document.
    pub(super) async fn go_on_rotating(&self) -> Result<bool, ErrorView> {
        let inner = &self.inner;
        let _turn = inner.turn.lock().await;
        let ready = self.ready()?;
        match self.set_up_of(&ready).await?.rotate().await {
            Ok(own) => {
                self.begin_again(&ready, own).await?;
                Ok(true)
            }
            Err(SetUpError::AnchorMustFollow) => {
                ready.anchoring.tell();
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the account over, or leaves that waiting for the document.
    pub(super) async fn taking_over(&self, how: Takeover) -> Result<(), ErrorView> {
        let inner = &self.inner;
        let _turn = inner.turn.lock().await;
        let Phase::Elsewhere(signed_in) = inner.phase() else {
            return Err(ErrorView::with_detail("internal", "nothing to take over"));
        };
        let config = &inner.config;
        let fallback = relay_name::parse(&config.default_relay, config.development).ok();
        match inner.set_up(&signed_in).take_over(how, fallback).await {
            Ok(own) => drop(inner.enter(Phase::Ready(inner.ready_from(&signed_in, own)?))),
            // It was taken back meanwhile: an account like any that is new here.
            Err(SetUpError::Gone) => drop(inner.enter(Phase::SettingUp(signed_in))),
            Err(SetUpError::AnchorMustFollow) => signed_in.anchoring.tell(),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Forgets what waits for the document, unless that names the next key already: then it goes
    /// on, and cannot be taken back.
    pub(super) async fn no_longer_waiting(&self) -> Result<(), ErrorView> {
        let turn = self.inner.turn.lock().await;
        match self.inner.phase() {
            Phase::Ready(ready) => {
                if ready.database.read(|tx| pending::load(tx)).await?.is_none() {
                    return Ok(());
                }
                let cancelled = self.set_up_of(&ready).await?.cancel_rotation().await;
                drop(turn);
                if matches!(cancelled, Err(SetUpError::Published)) {
                    self.resume_rotation(&ready);
                }
                cancelled?;
                ready.anchoring.tell();
            }
            Phase::Elsewhere(signed_in) => {
                self.inner.set_up(&signed_in).cancel_takeover().await?;
                signed_in.anchoring.tell();
            }
            _ => {}
        }
        Ok(())
    }

    /// Goes on with a takeover that a crash interrupted after the document had changed.
    pub(super) fn resume_takeover(&self) {
        let app = self.clone();
        tokio::spawn(async move {
            if let Err(error) = app.try_to_take_over().await {
                tracing::warn!(code = error.code, "a takeover goes on later");
            }
        });
    }

    async fn try_to_take_over(&self) -> Result<(), ErrorView> {
        let Phase::Elsewhere(signed_in) = self.inner.phase() else {
            return Ok(());
        };
        let waits = signed_in.database.read(|tx| own_takeover::load(tx)).await?;
        let Some(how) = waits else { return Ok(()) };
        let set_up = self.inner.set_up(&signed_in);
        match set_up.is_anchored(&how.key().public()).await? {
            true => self.taking_over(how).await,
            // The user goes on with it, or does not.
            false => Ok(()),
        }
    }

    /// Messaging with other keys.
    pub(super) async fn begin_again(
        &self,
        ready: &Ready,
        own: OwnAccount,
    ) -> Result<(), ErrorView> {
        ready.end().await;
        let (current, database) = (ready.current.clone(), ready.database.clone());
        let next = self.inner.ready(current, own, database)?;
        let (anchoring, key) = (Arc::clone(&next.anchoring), next.own.delegate_key.public());
        let stop = next.stop.clone();
        tokio::spawn(async move {
            // Only to be shown; it is looked at again every day.
            let _shown = stop.run_until_cancelled(anchoring.check(key)).await;
        });
        self.inner.enter(Phase::Ready(next));
        Ok(())
    }
}

impl SignedIn {
    fn subject(&self, own: PublicKey, next: Option<PublicKey>) -> Subject {
        Subject {
            anchoring: Arc::clone(&self.anchoring),
            did: self.current.did.clone(),
            own,
            next,
        }
    }
}

fn nothing() -> ErrorView {
    ErrorView::with_detail("internal", "no key to anchor")
}
