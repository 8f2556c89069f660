//! Putting the own key into the account's DID document, and taking it out (docs/protocol.md §1.7).
//! What has come how far lives in memory only: whatever is interrupted is begun again, and what is
//! published says how it stands.

use crate::db::own_anchor::{self, OwnAnchor, Standing};
use crate::db::{Database, DbError};
use crate::views::{AppEvent, ErrorView};
use sotto_identity::Network;
use sotto_identity::anchoring::AnchoringError;
use sotto_identity::did_document::Anchor;
use sotto_identity::oauth::{IdentityPermission, OAuth, OAuthError};
use sotto_wire::did::Did;
use sotto_wire::key::PublicKey;
use sotto_wire::time::Clock;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// A permission to change the identity is not kept for longer than this, whatever the user does. A
/// code is good for 15 minutes.
const PERMISSION_LIFE: Duration = Duration::from_secs(30 * 60);

/// The change of the account's DID document that is under way, if one is.
pub(crate) struct Anchoring {
    network: Network,
    database: Database,
    did: Did,
    clock: Arc<dyn Clock>,
    events: broadcast::Sender<AppEvent>,
    stage: Mutex<Stage>,
    /// Held from one stage to the next: transitions do not overlap.
    turn: tokio::sync::Mutex<()>,
}

/// How far a change has come.
#[derive(Clone, Default)]
pub(crate) enum Stage {
    /// None is under way.
    #[default]
    Idle,
    /// The browser is open.
    Browser {
        goal: Option<PublicKey>,
        cancel: CancellationToken,
    },
    /// A code was sent.
    Code {
        goal: Option<PublicKey>,
        permission: IdentityPermission,
        /// Cancelled with the permission's end.
        held: CancellationToken,
    },
}

impl Anchoring {
    pub(crate) fn new(
        network: Network,
        database: Database,
        did: Did,
        clock: Arc<dyn Clock>,
        events: broadcast::Sender<AppEvent>,
    ) -> Self {
        Self {
            network,
            database,
            did,
            clock,
            events,
            stage: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// How far the change under way has come.
    pub(crate) fn stage(&self) -> Stage {
        let stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        stage.clone()
    }

    /// What was seen last about `own`, the account's key.
    pub(crate) async fn seen(&self, own: PublicKey) -> Result<Option<OwnAnchor>, DbError> {
        let read = self.database.read(move |tx| own_anchor::load(tx, &own));
        read.await
    }

    /// Looks at the document now.
    pub(crate) async fn check(&self, own: PublicKey) -> Result<(), ErrorView> {
        let document = self.network.did_document(&self.did).await?;
        self.saw(own, standing(&document.e2ee, &own)).await
    }

    /// Goes as far as a code that is sent by e-mail, for `goal` to become the document's key (or
    /// none); `open` opens a page in the user's browser. Where nothing is to be changed, that is
    /// found out and nothing else is done.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        oauth: &OAuth,
        own: PublicKey,
        goal: Option<PublicKey>,
        open: impl FnOnce(&str) -> Result<(), ErrorView>,
    ) -> Result<(), ErrorView> {
        // A second attempt takes the place of the first.
        self.stop_waiting();
        let _turn = self.turn.lock().await;
        let permission = match self.stage() {
            Stage::Code {
                permission, held, ..
            } => {
                if self.is_due(goal).await? {
                    // Still permitted: only another code is wanted.
                    let requested = permission.request_code().await;
                    self.unless_over(requested).await?;
                    self.enter(Stage::Code {
                        goal,
                        permission,
                        held,
                    });
                    return Ok(());
                }
                None
            }
            _ => self.permitted(oauth, goal, open).await?,
        };
        match permission {
            Some(permission) => self.hold(goal, permission).await,
            None => {
                self.give_up().await;
                self.check(own).await
            }
        }
    }

    async fn is_due(&self, goal: Option<PublicKey>) -> Result<bool, AnchoringError> {
        let now = self.clock.now();
        self.network
            .is_anchoring_due(&self.did, goal.as_ref(), now)
            .await
    }

    /// Changes the document, with the code that came.
    pub(crate) async fn finish(&self, own: PublicKey, code: &str) -> Result<(), ErrorView> {
        let _turn = self.turn.lock().await;
        let Stage::Code {
            goal, permission, ..
        } = self.stage()
        else {
            return Err(AnchoringError::PermissionEnded.into());
        };
        let outcome = permission.anchor(goal.as_ref(), code).await;
        self.unless_over(outcome).await?;
        self.give_up().await;
        let now = goal.map_or(Anchor::Absent, Anchor::Key);
        self.saw(own, standing(&now, &own)).await
    }

    /// After a failure the permission is kept only where it is good for another try.
    async fn unless_over(&self, outcome: Result<(), AnchoringError>) -> Result<(), ErrorView> {
        if outcome.is_err_and(|error| !error.keeps_permission()) {
            self.give_up().await;
        }
        Ok(outcome?)
    }

    /// Gives up whatever is under way.
    pub(crate) async fn cancel(&self) {
        self.stop_waiting();
        let _turn = self.turn.lock().await;
        self.give_up().await;
    }

    fn stop_waiting(&self) {
        if let Stage::Browser { cancel, .. } = self.stage() {
            cancel.cancel();
        }
    }

    /// Waits for the user's decision in the browser; nothing where nothing is to be changed.
    async fn permitted(
        &self,
        oauth: &OAuth,
        goal: Option<PublicKey>,
        open: impl FnOnce(&str) -> Result<(), ErrorView>,
    ) -> Result<Option<IdentityPermission>, ErrorView> {
        let cancel = CancellationToken::new();
        self.enter(Stage::Browser {
            goal,
            cancel: cancel.clone(),
        });
        let ask = async {
            if !self.is_due(goal).await? {
                return Ok(None);
            }
            let pending = oauth.ask_for_identity(&self.did).await;
            let pending = pending.map_err(AnchoringError::from)?;
            open(pending.authorize_url())?;
            let permission = pending.finish().await.map_err(AnchoringError::from)?;
            Ok(Some(permission))
        };
        let outcome = tokio::select! {
            () = cancel.cancelled() => Err(OAuthError::Cancelled.into()),
            outcome = ask => outcome,
        };
        if outcome.is_err() {
            self.enter(Stage::Idle);
        }
        outcome
    }

    /// Holds the permission until the code has come, but not for ever.
    async fn hold(
        self: &Arc<Self>,
        goal: Option<PublicKey>,
        permission: IdentityPermission,
    ) -> Result<(), ErrorView> {
        if let Err(error) = permission.request_code().await {
            self.enter(Stage::Idle);
            permission.end().await;
            return Err(error.into());
        }
        let held = CancellationToken::new();
        self.enter(Stage::Code {
            goal,
            permission,
            held: held.clone(),
        });
        let this = Arc::downgrade(self);
        tokio::spawn(async move {
            let too_long = tokio::time::sleep(PERMISSION_LIFE);
            if held.run_until_cancelled(too_long).await.is_none() {
                return;
            }
            if let Some(this) = this.upgrade() {
                let _turn = this.turn.lock().await;
                if !held.is_cancelled() {
                    this.give_up().await;
                }
            }
        });
        Ok(())
    }

    async fn give_up(&self) {
        if let Stage::Code {
            permission, held, ..
        } = self.enter(Stage::Idle)
        {
            held.cancel();
            permission.end().await;
        }
    }

    /// Enters a stage, tells so, and gives back the one before.
    fn enter(&self, stage: Stage) -> Stage {
        let mut current = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, stage);
        drop(current);
        self.tell();
        before
    }

    async fn saw(&self, own: PublicKey, standing: Standing) -> Result<(), ErrorView> {
        let now = self.clock.now_ms();
        self.database
            .write(move |tx| own_anchor::saw(tx, &own, standing, now))
            .await?;
        self.tell();
        Ok(())
    }

    /// Tells that what is shown has changed.
    pub(crate) fn tell(&self) {
        // Nobody listening is no failure.
        let _ = self.events.send(AppEvent::Anchoring);
    }
}

fn standing(found: &Anchor, own: &PublicKey) -> Standing {
    match found {
        Anchor::Absent => Standing::Absent,
        Anchor::Key(key) if key == own => Standing::Ours,
        Anchor::Key(_) | Anchor::Unusable => Standing::Other,
    }
}
