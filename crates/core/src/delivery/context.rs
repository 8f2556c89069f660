//! What the tasks share.

use super::claims::Claims;
use super::reverifier::Suspects;
use super::typing::Typing;
use crate::attachments::folder::Folder;
use crate::db::{Database, OwnAccount};
use crate::discovery::Discovery;
use crate::relay::Relays;
use crate::relay::socket::Sockets;
use crate::views::{ConnectionState, ConnectionView, ErrorView};
use sotto_wire::random::Random;
use sotto_wire::time::Clock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// What the tasks share.
pub(crate) struct Context {
    pub(crate) database: Database,
    pub(crate) own: Arc<OwnAccount>,
    pub(crate) relays: Relays,
    pub(crate) sockets: Sockets,
    /// Where encrypted pieces of files lie.
    pub(crate) folder: Folder,
    pub(crate) discovery: Discovery,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) connection: watch::Sender<ConnectionView>,
    /// Counts the moments at which waiting for the next attempt lost its reason.
    pub(crate) try_again: watch::Sender<u64>,
    /// Key packages may have become few.
    pub(crate) look_after: Notify,
    /// Under which id key packages are being claimed.
    pub(crate) claims: Claims,
    /// Peers to be verified anew.
    pub(crate) suspects: Suspects,
    pub(crate) troubles: Troubles,
    /// Who is writing at this moment.
    pub(crate) typing: Typing,
}

/// What can be wrong on this machine, whatever the relay does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// What comes in cannot be stored.
    Receiving,
    /// What is to go out cannot be sealed.
    Sending,
    /// What has had its time cannot be tidied up.
    Tidying,
    /// Nobody new can write: the own key packages are not as they should be.
    KeyPackages,
    /// Nobody new can write: the relay does not find the own key declared.
    Declaration,
}

/// What is wrong at the moment.
#[derive(Default)]
pub(crate) struct Troubles(Mutex<BTreeMap<Trouble, ErrorView>>);

impl Context {
    /// The connection as it is before the first attempt.
    pub(crate) fn connecting() -> ConnectionView {
        ConnectionView {
            state: ConnectionState::Connecting,
            error: None,
        }
    }

    /// How the connection is. Where nothing is wrong with it, what else is wrong shows in its place.
    pub(super) fn set_connection(&self, state: ConnectionState, error: Option<ErrorView>) {
        let error = error.or_else(|| self.worst());
        let view = ConnectionView { state, error };
        self.connection.send_if_modified(|current| {
            let changed = *current != view;
            *current = view;
            changed
        });
    }

    /// Something is wrong here, or no longer; it shows where the connection does.
    pub(super) fn set_trouble(&self, what: Trouble, error: Option<ErrorView>) {
        let before = self.worst();
        {
            let mut troubles = self.lock();
            match error {
                Some(error) => troubles.insert(what, error),
                None => troubles.remove(&what),
            };
        }
        let now = self.worst();
        self.connection.send_if_modified(|current| {
            // The connection's own reason stays.
            let shown = current.error.is_none() || current.error == before;
            let changed = shown && current.error != now;
            if changed {
                current.error = now;
            }
            changed
        });
    }

    fn worst(&self) -> Option<ErrorView> {
        self.lock().values().next().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Trouble, ErrorView>> {
        self.troubles
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hurry(&self) {
        self.try_again.send_modify(|count| *count += 1);
    }
}
