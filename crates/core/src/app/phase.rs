//! Where the app is between its start and messaging.

use super::{TURN, present};
use crate::account::anchoring::Anchoring;
use crate::account::secrets::Current;
use crate::attachments::folder::Folder;
use crate::db::{Database, DbError, OwnAccount, own, peers, pending};
use crate::delivery::Delivery;
use crate::discovery::Discovery;
use crate::views::{AccountView, AppState, ErrorView};
use sotto_identity::oauth::Session;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Where the app is. Cheap to clone.
#[derive(Clone)]
pub(super) enum Phase {
    /// The vault could not be opened, or an account's database not; to be tried again.
    Closed,
    /// The vault needs a passphrase.
    Locked { create: bool },
    /// No account.
    SignedOut,
    /// The browser is open.
    SigningIn {
        handle: String,
        cancel: CancellationToken,
    },
    /// Signed in, not (completely) set up.
    SettingUp(Arc<SignedIn>),
    /// Signed in, set up elsewhere.
    Elsewhere(Arc<SignedIn>),
    /// Messaging.
    Ready(Arc<Ready>),
    /// Shut down.
    Ended,
}

/// An account with a session, whose delegation is not this device's.
pub(super) struct SignedIn {
    pub(super) current: Current,
    pub(super) session: Session,
    pub(super) database: Database,
    pub(super) anchoring: Arc<Anchoring>,
    /// Name and picture; the relay is not known yet.
    pub(super) view: AccountView,
}

/// An account that is messaging.
pub(super) struct Ready {
    pub(super) current: Current,
    pub(super) own: Arc<OwnAccount>,
    pub(super) database: Database,
    pub(super) discovery: Discovery,
    pub(super) delivery: Delivery,
    /// Where encrypted pieces of files lie.
    pub(super) folder: Folder,
    pub(super) anchoring: Arc<Anchoring>,
    /// Ends the tasks that pass events on.
    pub(super) stop: CancellationToken,
}

impl Phase {
    /// The screen.
    pub(super) async fn view(&self, default_relay: &str) -> Result<AppState, ErrorView> {
        Ok(match self {
            // Only a keyring that did not answer leaves the vault closed.
            Self::Closed => return Err(ErrorView::new("keyring.locked")),
            Self::SignedOut | Self::Ended => AppState::SignedOut,
            Self::Locked { create } => AppState::Locked { create: *create },
            Self::SigningIn { handle, .. } => AppState::SigningIn {
                handle: handle.clone(),
            },
            Self::SettingUp(signed_in) => AppState::SettingUp {
                account: signed_in.view.clone(),
                default_relay: default_relay.to_owned(),
            },
            Self::Elsewhere(signed_in) => AppState::DelegationElsewhere {
                account: signed_in.view.clone(),
            },
            Self::Ready(ready) => AppState::Ready {
                account: ready.view().await?,
            },
        })
    }
}

impl Ready {
    /// Ends messaging, and what passes its events on.
    pub(super) async fn end(&self) {
        self.stop.cancel();
        self.delivery.stop().await;
        // It may have a server to tell; what it holds is gone either way.
        let _ended = tokio::time::timeout(TURN, self.anchoring.cancel()).await;
    }

    async fn view(&self) -> Result<AccountView, ErrorView> {
        let did = self.current.did.clone();
        let read = self.database.read(move |tx| {
            let due = pending::words_due(tx)?;
            Ok::<_, DbError>((peers::by_did(tx, &did)?, due))
        });
        let (profile, due) = read.await?;
        let relay = Some(self.own.domain.to_string());
        Ok(present::account(
            &self.current,
            profile.as_ref(),
            relay,
            due,
        ))
    }
}

/// The own account, if its set-up was completed: the pin of the own account says so, under the key
/// that this device has.
pub(super) async fn completed(database: &Database) -> Result<Option<OwnAccount>, ErrorView> {
    let read = database.read(|tx| {
        let Some(own) = own::load(tx)? else {
            return Ok(None);
        };
        let pin = peers::by_did(tx, &own.did)?.map(|peer| peer.pin);
        Ok(pin
            .filter(|pin| pin.key == own.delegate_key.public())
            .map(|_| own))
    });
    read.await.map_err(|error: DbError| error.into())
}
