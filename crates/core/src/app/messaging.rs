//! The start of messaging: needs no network, so that everything is there at once.

use super::Inner;
use super::events;
use super::phase::{Ready, SignedIn};
use crate::account::anchoring::Anchoring;
use crate::account::data_dir;
use crate::account::secrets::Current;
use crate::attachments::folder::Folder;
use crate::db::{Database, OwnAccount};
use crate::delivery::{Claims, Context, Delivery, Suspects, Troubles, Typing};
use crate::discovery::{Discovery, Follows};
use crate::relay::Relays;
use crate::views::{AppEvent, ErrorView};
use sotto_wire::did::Did;
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

impl Inner {
    pub(super) fn ready_from(
        &self,
        signed_in: &SignedIn,
        own: OwnAccount,
    ) -> Result<Arc<Ready>, ErrorView> {
        self.ready(signed_in.current.clone(), own, signed_in.database.clone())
    }

    /// Starts messaging. Asks no network for anything.
    pub(super) fn ready(
        &self,
        current: Current,
        own: OwnAccount,
        database: Database,
    ) -> Result<Arc<Ready>, ErrorView> {
        let (config, own) = (&self.config, Arc::new(own));
        let (http, clock) = (Arc::clone(self.network.http()), Arc::clone(&config.clock));
        let relays = Relays::new(http, config.development, clock, own.device_key.clone());
        #[cfg(feature = "testing")]
        let relays = match self.key_packages {
            Some(pool) => relays.keeping(pool),
            None => relays,
        };
        let discovery = Discovery {
            network: self.network.clone(),
            relays: relays.clone(),
            database: database.clone(),
            own: Arc::clone(&own),
            follows: Arc::<Follows>::default(),
            clock: Arc::clone(&config.clock),
        };
        let folder = Folder::at(data_dir::attachments(&config.data_dir, &own.did));
        let delivery = Delivery::start(Context {
            database: database.clone(),
            own: Arc::clone(&own),
            relays,
            sockets: self.sockets.clone(),
            folder: folder.clone(),
            discovery: discovery.clone(),
            clock: Arc::clone(&config.clock),
            random: Arc::clone(&config.random),
            connection: watch::Sender::new(Context::connecting()),
            try_again: watch::Sender::new(0),
            look_after: Notify::new(),
            claims: Claims::default(),
            suspects: Suspects::default(),
            troubles: Troubles::default(),
            typing: Typing::default(),
        });
        let anchoring = self.anchoring(own.did.clone(), &database);
        let stop = CancellationToken::new();
        self.pass_on(&database, &delivery, &stop);
        Ok(Arc::new(Ready {
            current,
            own,
            database,
            discovery,
            delivery,
            folder,
            anchoring,
            stop,
        }))
    }

    pub(super) fn anchoring(&self, did: Did, database: &Database) -> Arc<Anchoring> {
        Arc::new(Anchoring::new(
            self.network.clone(),
            database.clone(),
            did,
            Arc::clone(&self.config.clock),
            self.events.clone(),
        ))
    }

    /// Passes on what changes, as events.
    fn pass_on(&self, database: &Database, delivery: &Delivery, stop: &CancellationToken) {
        let (changes, events, stopped) = (database.changes(), self.events.clone(), stop.clone());
        tokio::spawn(async move {
            stopped
                .run_until_cancelled(events::forward(changes, &events))
                .await;
        });
        let (mut connection, events, stopped) =
            (delivery.connection(), self.events.clone(), stop.clone());
        tokio::spawn(async move {
            let forward = async {
                while connection.changed().await.is_ok() {
                    let _ = events.send(AppEvent::Connection);
                }
            };
            stopped.run_until_cancelled(forward).await;
        });
    }
}
