//! The facade: exactly the commands of the user interface. What the app is, and how it begins and
//! ends, is here; the commands are in `commands`, by topic.

mod anchoring;
#[cfg(feature = "testing")]
mod assembled;
mod attachments;
mod commands;
mod config;
mod content;
mod errors;
mod events;
mod follow;
mod germ;
mod keys;
mod life;
mod messaging;
mod phase;
mod present;
mod reading;
mod relay;
mod requests;
mod safety;
mod search;

#[cfg(feature = "testing")]
pub use assembled::{Outside, account, moved, moved_account};
pub use config::{Browser, Config};
pub use events::Events;

pub use crate::relay::socket::{Duplex, Upgrade};

use crate::account::data_dir::{self, DataDirLock};
use crate::account::vault::{Place, SystemKeyring, Vault};
use crate::relay::socket::Sockets;
use crate::views::{AppEvent, AppState, ErrorView};
use phase::Phase;
use sotto_identity::Network;
use sotto_identity::oauth::OAuth;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex, OnceCell, broadcast};
use tokio_util::sync::CancellationToken;

/// Events kept for a slow listener; one that falls behind is told so.
const EVENTS_KEPT: usize = 256;

/// How long the end waits for what is under way.
const TURN: Duration = Duration::from_secs(3);

/// The app: cheap to clone, one per data directory.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    default_relay: String,
    network: Network,
    sockets: Sockets,
    events: broadcast::Sender<AppEvent>,
    phase: RwLock<Phase>,
    /// Held from one phase to the next: transitions do not overlap.
    turn: Mutex<()>,
    vault: OnceCell<Vault>,
    oauth: OnceLock<OAuth>,
    /// Takes back the move to another relay that is under way.
    moving: std::sync::Mutex<CancellationToken>,
    _lock: Option<DataDirLock>,
    /// Another number than the usual one, for a simulation.
    #[cfg(feature = "testing")]
    key_packages: Option<usize>,
}

/// The beginning and the end; what comes between is in `commands`.
#[expect(
    clippy::missing_errors_doc,
    reason = "fails with a code the UI has a sentence for"
)]
impl App {
    /// Starts the app on its data directory, as far as that goes without its user. What cannot be
    /// opened now (a locked keyring) is tried again by [`App::state`], which also says why.
    pub async fn start(config: Config) -> Result<App, ErrorView> {
        let lock = data_dir::take(&config.data_dir)?;
        let inner = Inner {
            network: Network::new(config.endpoints.clone())?,
            sockets: Sockets::new(config.development)
                .map_err(|error| ErrorView::with_detail("internal", error))?,
            default_relay: life::suggested(&config.default_relay, config.development),
            events: broadcast::channel(EVENTS_KEPT).0,
            phase: RwLock::new(Phase::Closed),
            turn: Mutex::new(()),
            vault: OnceCell::new(),
            oauth: OnceLock::new(),
            moving: std::sync::Mutex::default(),
            _lock: Some(lock),
            #[cfg(feature = "testing")]
            key_packages: None,
            config,
        };
        let app = App {
            inner: Arc::new(inner),
        };
        if let Err(error) = app.open().await {
            tracing::warn!(%error, "not opened yet");
        }
        Ok(app)
    }

    /// What changes from now on.
    pub fn events(&self) -> Events {
        Events(self.inner.events.subscribe())
    }

    /// Ends every task. What was under way goes on at the next start.
    pub async fn shutdown(&self) {
        self.cancel();
        // Setting up may be waiting for a server; it can be interrupted anywhere.
        let _turn = tokio::time::timeout(TURN, self.inner.turn.lock()).await;
        self.inner.enter(Phase::Ended).end().await;
    }
}

impl Inner {
    fn phase(&self) -> Phase {
        self.phase
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Enters a phase, tells so, and gives back the one before.
    fn enter(&self, phase: Phase) -> Phase {
        let mut current = self.phase.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, phase);
        drop(current);
        // Nobody listening is no failure.
        let _ = self.events.send(AppEvent::State);
        before
    }

    async fn view(&self) -> Result<AppState, ErrorView> {
        self.phase().view(&self.default_relay).await
    }

    fn vault_place(&self) -> Place {
        Place {
            data_dir: self.config.data_dir.clone(),
            choice: self.config.keyring,
            cost: self.config.passphrase_cost,
            keys: Arc::new(SystemKeyring),
            random: Arc::clone(&self.config.random),
        }
    }
}
