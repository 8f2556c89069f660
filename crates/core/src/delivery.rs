//! Getting messages out and in: the only long-lived tasks. They end with [`Delivery::stop`];
//! everything that must outlive them is in the database.
//!
//! What they wait for is looked at in the order in which it is written down (`biased`), not in a
//! random one: a run of the simulation can then be repeated.

mod backoff;
mod claims;
mod context;
mod expirer;
pub(crate) mod former;
mod housekeeper;
mod receiver;
mod reverifier;
mod sender;
mod standing;
mod transfers;
mod typing;
mod wake;

pub(crate) use claims::Claims;
pub(crate) use context::{Context, Troubles};
pub(crate) use reverifier::Suspects;
pub(crate) use typing::Typing;

use crate::messages::EngineError;
use crate::views::ConnectionView;
use sotto_wire::conversation::ConversationId;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The running tasks of one account.
pub(crate) struct Delivery {
    context: Arc<Context>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Delivery {
    /// Starts sender, receiver, what collects at relays that were left, housekeeper, expirer, reverifier and transfers.
    pub(crate) fn start(context: Context) -> Self {
        let (context, stop) = (Arc::new(context), CancellationToken::new());
        let tasks = TaskTracker::new();
        tasks.spawn(sender::run(Arc::clone(&context), stop.clone()));
        tasks.spawn(receiver::run(Arc::clone(&context), stop.clone()));
        tasks.spawn(former::run(Arc::clone(&context), stop.clone()));
        tasks.spawn(housekeeper::run(Arc::clone(&context), stop.clone()));
        tasks.spawn(expirer::run(Arc::clone(&context), stop.clone()));
        tasks.spawn(reverifier::run(Arc::clone(&context), stop.clone()));
        tasks.spawn(transfers::run(Arc::clone(&context), stop.clone()));
        tasks.close();
        Self {
            context,
            stop,
            tasks,
        }
    }

    /// How the connection to the own relay is, and becomes.
    pub(crate) fn connection(&self) -> watch::Receiver<ConnectionView> {
        self.context.connection.subscribe()
    }

    /// The user is waiting for something: try at once what is waiting for its next attempt.
    pub(crate) fn hurry(&self) {
        self.context.hurry();
    }

    /// Something is being written to this peer.
    pub(crate) async fn typing(&self, conversation: ConversationId) -> Result<(), EngineError> {
        typing::tell(Arc::clone(&self.context), conversation).await
    }

    /// Who is writing at this moment.
    pub(crate) fn writing(&self) -> &Typing {
        &self.context.typing
    }

    /// Ends all tasks and waits for them. Where they are in between does not matter.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
