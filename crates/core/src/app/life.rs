//! From the start to messaging and back: the vault, signing in, setting up, signing out.

use super::phase::{Phase, SignedIn, completed};
use super::{App, Inner, TURN, present};
use crate::account::data_dir;
use crate::account::delegation::{self, Standing};
use crate::account::relay_name;
use crate::account::secrets::{Current, Sessions};
use crate::account::set_up::{SetUp, SetUpError};
use crate::account::vault::{Opening, Vault};
use crate::db::{Database, own};
use crate::discovery::profile;
use crate::messages;
use crate::views::{AccountView, AppState, ErrorView};
use sotto_identity::handle::Handle;
use sotto_identity::oauth::{OAuth, OAuthError, Session};
use sotto_wire::domain::Domain;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

impl App {
    /// Opens the vault as far as that goes without the user, and whatever follows from it.
    pub(super) async fn open(&self) -> Result<(), ErrorView> {
        let place = self.inner.vault_place();
        match place.open().await? {
            Opening::Open(vault) => self.opened(vault).await,
            Opening::Passphrase { create } => match &self.inner.config.vault_passphrase {
                Some(passphrase) => {
                    let vault = place.open_with(passphrase.to_string()).await?;
                    self.opened(vault).await
                }
                None => {
                    self.inner.enter(Phase::Locked { create });
                    Ok(())
                }
            },
        }
    }

    /// Goes on with the account in use, if there is one: without any network when it is set up.
    pub(super) async fn opened(&self, vault: Vault) -> Result<(), ErrorView> {
        let inner = &self.inner;
        let vault = inner.vault.get_or_init(|| async { vault }).await;
        let Some(current) = vault.current().await? else {
            inner.enter(Phase::SignedOut);
            return Ok(());
        };
        let database = inner.database(vault, &current).await?;
        if let Some(own) = completed(&database).await? {
            let ready = inner.ready(current, own, database)?;
            inner.publish_later(&ready);
            inner.enter(Phase::Ready(Arc::clone(&ready)));
            self.resume_rotation(&ready);
            self.resume_move(&ready);
            return Ok(());
        }
        // Interrupted while it was set up.
        let session = match inner.oauth(vault).restore(&current.did).await {
            Ok(session) => session,
            Err(OAuthError::Expired) => {
                inner.enter(Phase::SignedOut);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let signed_in = inner.signed_in(current, session, database);
        let phase = match inner.place(Arc::new(signed_in.await)).await {
            Err((error, signed_in)) => {
                tracing::warn!(code = error.code, "the set-up goes on later");
                Phase::SettingUp(signed_in)
            }
            Ok(phase) => phase,
        };
        inner.enter(phase);
        self.resume_takeover();
        Ok(())
    }

    /// Signs in through the browser.
    pub(super) async fn signing_in(&self, handle: String) -> Result<AppState, ErrorView> {
        // A second attempt takes the place of the first.
        self.cancel();
        let inner = &self.inner;
        let _turn = inner.turn.lock().await;
        let vault = inner
            .vault
            .get()
            .ok_or_else(|| ErrorView::new("keyring.locked"))?;
        if !matches!(inner.phase(), Phase::SignedOut) {
            return Err(ErrorView::with_detail("internal", "sign out first"));
        }
        let parsed = Handle::parse(handle.trim().trim_start_matches('@'))
            .map_err(|error| ErrorView::with_detail(error.code(), error))?;
        let cancel = CancellationToken::new();
        inner.enter(Phase::SigningIn {
            handle,
            cancel: cancel.clone(),
        });
        let outcome = tokio::select! {
            () = cancel.cancelled() => Err(OAuthError::Cancelled.into()),
            outcome = inner.authorize(vault, &parsed) => outcome,
        };
        match outcome {
            Ok(phase) => {
                inner.enter(phase);
                self.resume_any_move();
            }
            Err(error) => {
                inner.enter(Phase::SignedOut);
                return Err(error);
            }
        }
        inner.view().await
    }

    /// Ends the sign-in under way.
    pub(super) fn cancel(&self) {
        if let Phase::SigningIn { cancel, .. } = self.inner.phase() {
            cancel.cancel();
        }
    }

    /// Delegates the account to this device.
    pub(super) async fn setting_up(&self, relay: String) -> Result<AppState, ErrorView> {
        let inner = &self.inner;
        let _turn = inner.turn.lock().await;
        let Phase::SettingUp(signed_in) = inner.phase() else {
            return Err(ErrorView::with_detail("internal", "nothing to set up"));
        };
        let domain = relay_name::parse(&relay, inner.config.development)?;
        match inner.set_up(&signed_in).run(domain).await {
            Ok(own) => drop(inner.enter(Phase::Ready(inner.ready_from(&signed_in, own)?))),
            Err(SetUpError::Elsewhere) => drop(inner.enter(Phase::Elsewhere(signed_in))),
            Err(error) => return Err(error.into()),
        }
        inner.view().await
    }

    /// Ends messaging and forgets which account was in use.
    pub(super) async fn signing_out(&self) -> Result<AppState, ErrorView> {
        self.cancel();
        let inner = &self.inner;
        let _turn = inner.turn.lock().await;
        let vault = inner
            .vault
            .get()
            .ok_or_else(|| ErrorView::new("keyring.locked"))?;
        let current = vault.current().await?;
        vault.forget_current().await?;
        let phase = inner.enter(Phase::SignedOut);
        phase.end().await;
        if let Some(current) = current {
            match inner.oauth(vault).restore(&current.did).await {
                Ok(session) => session.sign_out().await?,
                Err(OAuthError::Expired) => {}
                Err(error) => return Err(error.into()),
            }
        }
        inner.view().await
    }
}

impl Phase {
    /// Ends whatever runs in this phase.
    pub(super) async fn end(&self) {
        match self {
            Self::Ready(ready) => ready.end().await,
            Self::Elsewhere(signed_in) | Self::SettingUp(signed_in) => {
                // It may have a server to tell; what it holds is gone either way.
                let _ended = tokio::time::timeout(TURN, signed_in.anchoring.cancel()).await;
            }
            _ => {}
        }
    }
}

impl Inner {
    pub(super) fn oauth(&self, vault: &Vault) -> OAuth {
        let make = || {
            let sessions = Arc::new(Sessions(vault.clone()));
            let (clock, random) = (
                Arc::clone(&self.config.clock),
                Arc::clone(&self.config.random),
            );
            OAuth::new(self.network.clone(), sessions, clock, random)
        };
        self.oauth.get_or_init(make).clone()
    }

    /// The account's database, and its key from the vault.
    async fn database(&self, vault: &Vault, current: &Current) -> Result<Database, ErrorView> {
        let path = data_dir::database(&self.config.data_dir, &current.did)?;
        // A key made anew would not open what is there already.
        let make = !path.exists();
        let random = Arc::clone(&self.config.random);
        let key = vault.database_key(&current.did, make, &*random).await?;
        let clock = Arc::clone(&self.config.clock);
        let opening =
            tokio::task::spawn_blocking(move || messages::open(&path, &key, clock, random));
        let opened = opening.await.map_err(|_| ErrorView::new("internal"))?;
        Ok(opened?)
    }

    async fn authorize(&self, vault: &Vault, handle: &Handle) -> Result<Phase, ErrorView> {
        let oauth = self.oauth(vault);
        let pending = oauth.sign_in(handle).await?;
        self.config.browser.open(pending.authorize_url())?;
        let session = pending.finish().await?;
        let current = Current {
            did: session.did().clone(),
            handle: handle.to_string(),
        };
        let database = self.database(vault, &current).await?;
        vault.set_current(&current).await?;
        let signed_in = self.signed_in(current, session, database).await;
        match self.place(Arc::new(signed_in)).await {
            Ok(phase) => Ok(phase),
            Err((error, _)) => {
                vault.forget_current().await?;
                Err(error)
            }
        }
    }

    pub(super) async fn signed_in(
        &self,
        current: Current,
        session: Session,
        database: Database,
    ) -> SignedIn {
        let view = self.profile(&current).await;
        let anchoring = self.anchoring(current.did.clone(), &database);
        SignedIn {
            current,
            session,
            database,
            anchoring,
            view,
        }
    }

    /// Name and picture, where they can be had.
    async fn profile(&self, current: &Current) -> AccountView {
        let mut view = present::account(current, None, None, false);
        if let Ok(document) = self.network.did_document(&current.did).await {
            let profile = profile::of(&self.network, &current.did, &document.pds).await;
            view.display_name = profile.display_name;
            view.avatar = profile
                .avatar
                .map(|it| present::data_url(it.mime, &it.bytes));
        }
        view
    }

    /// Where an account belongs after signing in, by what its PDS says (docs/protocol.md §1.1).
    async fn place(&self, signed_in: Arc<SignedIn>) -> Result<Phase, (ErrorView, Arc<SignedIn>)> {
        match self.try_place(&signed_in).await {
            Ok(Some(phase)) => Ok(phase),
            Ok(None) => Ok(Phase::Elsewhere(signed_in)),
            Err(SetUpError::Elsewhere) => Ok(Phase::Elsewhere(signed_in)),
            Err(error) => Err((error.into(), signed_in)),
        }
    }

    async fn try_place(&self, signed_in: &Arc<SignedIn>) -> Result<Option<Phase>, SetUpError> {
        let own = signed_in.database.read(|tx| own::load(tx)).await?;
        match (
            delegation::standing(&signed_in.session, own.as_ref()).await?,
            own,
        ) {
            (Standing::Absent, _) => Ok(Some(Phase::SettingUp(Arc::clone(signed_in)))),
            (Standing::Ours { .. }, Some(own)) => {
                let completed = completed(&signed_in.database)
                    .await
                    .map_err(SetUpError::Start)?;
                let own = match completed {
                    Some(own) => own,
                    None => self.set_up(signed_in).complete(own).await?,
                };
                let ready = self.ready_from(signed_in, own);
                ready
                    .map(|ready| Some(Phase::Ready(ready)))
                    .map_err(SetUpError::Start)
            }
            (Standing::Elsewhere | Standing::Ours { .. }, _) => Ok(None),
        }
    }

    pub(super) fn set_up(&self, signed_in: &SignedIn) -> SetUp {
        let (session, database) = (signed_in.session.clone(), signed_in.database.clone());
        self.set_up_of(&signed_in.current, session, database)
    }

    pub(super) fn set_up_of(
        &self,
        current: &Current,
        session: Session,
        database: Database,
    ) -> SetUp {
        SetUp {
            network: self.network.clone(),
            session,
            database,
            handle: current.handle.clone(),
            development: self.config.development,
            clock: Arc::clone(&self.config.clock),
            random: Arc::clone(&self.config.random),
        }
    }
}

/// As [`relay_name::parse`], for a suggestion: what makes no sense is not suggested.
pub(super) fn suggested(relay: &str, development: bool) -> String {
    relay_name::parse(relay, development)
        .as_ref()
        .map(Domain::to_string)
        .unwrap_or_default()
}
