//! An app put together from parts that are not the real world's: no vault, no sign-in, any network
//! (`crates/simulation`).

use super::phase::Phase;
use super::{App, Config, EVENTS_KEPT, Inner, Upgrade};
use crate::account;
use crate::account::secrets::Current;
use crate::db::{Database, OwnAccount, WriteTx};
use crate::messages::{EngineError, relocate};
use crate::relay::socket::Sockets;
use crate::views::ErrorView;
use sotto_identity::Network;
use sotto_identity::http::Http;
use sotto_identity::verify::Pin;
use sotto_wire::claim::Incoming;
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::random::Random;
use sotto_wire::time::Timestamp;
use std::sync::{Arc, OnceLock, RwLock};
use tokio::sync::{Mutex, OnceCell, broadcast};

/// Everything on the other side of the network card.
pub struct Outside {
    /// For requests.
    pub http: Arc<dyn Http>,
    /// For event sockets.
    pub upgrade: Arc<dyn Upgrade>,
    /// Single-use key packages that are to lie at the relay.
    pub key_packages: usize,
}

/// An account that was just set up, or set up anew on another device after `before`, and the record
/// that its repository is to hold.
pub fn account(
    whose: (&Did, &str, &Domain),
    before: Option<&OwnAccount>,
    incoming: Incoming,
    now: Timestamp,
    random: &dyn Random,
) -> (OwnAccount, DelegationRecord) {
    account::by_hand(whose, before, incoming, now, random)
}

/// An account that moves to another relay, and the record that its repository is to hold.
pub fn moved_account(
    own: &OwnAccount,
    to: &Domain,
    incoming: Incoming,
    now: Timestamp,
) -> (OwnAccount, DelegationRecord) {
    account::moved_by_hand(own, to, incoming, now)
}

/// What a move leaves in the database when the record was seen to name the other relay, as `seen`.
///
/// # Errors
/// [`EngineError`]; nothing was changed then.
pub fn moved(tx: &WriteTx<'_>, own: &OwnAccount, seen: &Pin) -> Result<(), EngineError> {
    relocate::moved(tx, own, seen)
}

impl App {
    /// The app of an account that is set up: messaging starts at once.
    ///
    /// # Errors
    /// As [`App::start`].
    pub fn assembled(
        config: Config,
        outside: Outside,
        own: OwnAccount,
        database: Database,
    ) -> Result<App, ErrorView> {
        let inner = Inner {
            network: Network::with_http(config.endpoints.clone(), outside.http),
            sockets: Sockets::over(outside.upgrade),
            default_relay: String::new(),
            events: broadcast::channel(EVENTS_KEPT).0,
            phase: RwLock::new(Phase::Closed),
            turn: Mutex::new(()),
            vault: OnceCell::new(),
            oauth: OnceLock::new(),
            moving: std::sync::Mutex::default(),
            _lock: None,
            key_packages: Some(outside.key_packages),
            config,
        };
        let current = Current {
            did: own.did.clone(),
            handle: own.handle.clone(),
        };
        let ready = inner.ready(current, own, database)?;
        inner.enter(Phase::Ready(ready));
        Ok(App {
            inner: Arc::new(inner),
        })
    }
}
