//! What the tasks share.

use super::reverifier::Suspects;
use crate::db::{Database, OwnAccount};
use crate::discovery::Discovery;
use crate::relay::Relays;
use crate::relay::socket::Sockets;
use crate::views::{ConnectionState, ConnectionView, ErrorView};
use sotto_wire::random::Random;
use sotto_wire::time::Clock;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// What the tasks share.
pub(crate) struct Context {
    pub(crate) database: Database,
    pub(crate) own: Arc<OwnAccount>,
    pub(crate) relays: Relays,
    pub(crate) sockets: Sockets,
    pub(crate) discovery: Discovery,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) connection: watch::Sender<ConnectionView>,
    /// Counts the moments at which waiting for the next attempt lost its reason.
    pub(crate) try_again: watch::Sender<u64>,
    /// Key packages may have become few.
    pub(crate) look_after: Notify,
    /// Peers to be verified anew.
    pub(crate) suspects: Suspects,
}

impl Context {
    /// The connection as it is before the first attempt.
    pub(crate) fn connecting() -> ConnectionView {
        ConnectionView {
            state: ConnectionState::Connecting,
            error: None,
        }
    }

    pub(super) fn set_connection(&self, state: ConnectionState, error: Option<ErrorView>) {
        let view = ConnectionView { state, error };
        self.connection.send_if_modified(|current| {
            let changed = *current != view;
            *current = view;
            changed
        });
    }

    pub(super) fn hurry(&self) {
        self.try_again.send_modify(|count| *count += 1);
    }
}
