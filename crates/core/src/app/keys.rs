//! What a user does with keys: the own one (docs/protocol.md §1.10 to §1.13), and a peer's that has
//! changed.

use super::App;
use super::phase::{Phase, Ready};
use crate::account::set_up::SetUp;
use crate::account::takeover::Takeover;
use crate::account::words;
use crate::db::{Database, DbError, conversations, own, own_takeover, peers, pending};
use crate::messages::{EngineError, renew};
use crate::views::{AppState, ConversationView, ErrorView};
use sotto_identity::oauth::Session;
use sotto_wire::conversation::ConversationId;
use sotto_wire::key::{PublicKey, SigningKey};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Between attempts to go on with a rotation that was interrupted.
const TRY_AGAIN: Duration = Duration::from_secs(60);

impl App {
    /// The words of the own key, as long as they have to be written down.
    pub(super) async fn words(&self) -> Result<Vec<String>, ErrorView> {
        let database = self.database_in_use()?;
        let read = database.read(|tx| {
            let due = pending::words_due(tx)?;
            Ok::<_, DbError>(own::load(tx)?.filter(|_| due))
        });
        let own = read.await?;
        let own = own.ok_or_else(|| ErrorView::new("recovery.not_shown_again"))?;
        let words = words::of(&own.delegate_key)
            .map_err(|error| ErrorView::with_detail(error.code(), error))?;
        Ok(words.into_iter().map(str::to_owned).collect())
    }

    /// They are written down.
    pub(super) async fn words_kept(&self) -> Result<AppState, ErrorView> {
        let database = self.database_in_use()?;
        let write = database.write(|tx| pending::set_words_due(tx, false));
        write.await?;
        self.inner.view().await
    }

    /// Replaces the own key by one that it vouches for, and goes on messaging with it; or, where
    /// the DID document has to name the next key first, leaves it waiting for that.
    pub(super) async fn rotating(&self) -> Result<AppState, ErrorView> {
        self.go_on_rotating().await?;
        self.inner.view().await
    }

    /// Becomes the account's device with the key of these words.
    pub(super) async fn recovering(&self, typed: String) -> Result<AppState, ErrorView> {
        let typed = Zeroizing::new(typed);
        let key =
            words::key(&typed).map_err(|error| ErrorView::with_detail(error.code(), error))?;
        self.taking_over(Takeover::Recover(key)).await?;
        self.inner.view().await
    }

    /// Becomes the account's device with a key that nobody vouches for. The handle is typed once
    /// more: peers are warned, and cannot be reached until they agree.
    pub(super) async fn replacing(&self, handle: String) -> Result<AppState, ErrorView> {
        let Phase::Elsewhere(signed_in) = self.inner.phase() else {
            return Err(ErrorView::with_detail("internal", "nothing to take over"));
        };
        let typed = handle.trim().trim_start_matches('@');
        if !typed.eq_ignore_ascii_case(&signed_in.current.handle) {
            return Err(ErrorView::new("confirmation.other_handle"));
        }
        // A key that waits for the document may be in it already.
        let waits = signed_in.database.read(|tx| own_takeover::load(tx)).await?;
        let how = match waits {
            Some(Takeover::Replace(key)) => Takeover::Replace(key),
            _ => Takeover::Replace(SigningKey::generate(&*self.inner.config.random)),
        };
        self.taking_over(how).await?;
        self.inner.view().await
    }

    /// Takes the delegation back: the account has none, and this device no messaging.
    pub(super) async fn revoking(&self) -> Result<AppState, ErrorView> {
        let inner = &self.inner;
        let _turn = inner.turn.lock().await;
        let ready = self.ready()?;
        let set_up = self.set_up_of(&ready).await?;
        set_up.withdraw(&ready.own).await?;
        ready.end().await;
        set_up.leave(&ready.own).await?;
        let (current, database) = (ready.current.clone(), ready.database.clone());
        let signed_in = inner.signed_in(current, set_up.session, database).await;
        inner.enter(Phase::SettingUp(Arc::new(signed_in)));
        inner.view().await
    }

    /// Accepts the key that the peer of a conversation has now, if it is the one that was shown.
    pub(super) async fn accepting(
        &self,
        conversation: &str,
        shown: &str,
    ) -> Result<ConversationView, ErrorView> {
        let ready = self.ready()?;
        let shown = PublicKey::from_did_key(shown)
            .map_err(|_| ErrorView::with_detail("internal", "not a key"))?;
        let unknown = || ErrorView::from(EngineError::UnknownConversation);
        let id = ConversationId::from_hex(conversation).ok_or_else(unknown)?;
        let read = ready.database.read(move |tx| {
            let row = conversations::by_id(tx, &id)?;
            let peer = row
                .map(|row| peers::get(tx, row.peer))
                .transpose()?
                .flatten();
            Ok::<_, DbError>(peer.map(|peer| peer.pin.did))
        });
        let did = read.await?.ok_or_else(unknown)?;
        let found = ready.discovery.accept(&did, &shown).await?;
        let write = ready
            .database
            .write(move |tx| renew::accepted(tx, &found.pin, found.roster.as_ref()));
        write.await?;
        ready.delivery.hurry();
        self.one(conversation).await?.ok_or_else(unknown)
    }

    /// Goes on with a rotation that a crash or the network interrupted, until it is done or cannot
    /// be.
    pub(super) fn resume_rotation(&self, ready: &Arc<Ready>) {
        let (app, ready) = (self.clone(), Arc::clone(ready));
        let stop = ready.stop.clone();
        tokio::spawn(async move {
            stop.clone()
                .run_until_cancelled(async {
                    while !app.try_to_resume(&ready).await {
                        tokio::time::sleep(TRY_AGAIN).await;
                    }
                })
                .await;
        });
    }

    /// Whether there is nothing more to try.
    async fn try_to_resume(&self, ready: &Arc<Ready>) -> bool {
        match ready.database.read(|tx| pending::load(tx)).await {
            Ok(None) => return true,
            Ok(Some(_)) => tracing::info!("a rotation is gone on with"),
            Err(error) => {
                tracing::warn!(code = error.code(), "a rotation cannot be read");
                return false;
            }
        }
        // Spawned: what this phase runs ends with the phase, and this is about to end it.
        let app = self.clone();
        let rotated = tokio::spawn(async move { app.go_on_rotating().await }).await;
        match rotated {
            // What waits for the document goes on with it.
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                tracing::warn!(code = error.code, "a rotation goes on later");
                false
            }
            Err(_) => true,
        }
    }

    pub(super) async fn set_up_of(&self, ready: &Ready) -> Result<SetUp, ErrorView> {
        let session = self.session(ready).await?;
        let database = ready.database.clone();
        Ok(self.inner.set_up_of(&ready.current, session, database))
    }

    async fn session(&self, ready: &Ready) -> Result<Session, ErrorView> {
        let vault = self.inner.vault.get();
        let vault = vault.ok_or_else(|| ErrorView::new("keyring.locked"))?;
        let oauth = self.inner.oauth(vault);
        Ok(oauth.restore(&ready.current.did).await?)
    }

    fn database_in_use(&self) -> Result<Database, ErrorView> {
        Ok(self.ready()?.database.clone())
    }
}
