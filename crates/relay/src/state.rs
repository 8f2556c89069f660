//! What every route shares.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use sotto_wire::challenge::{NextChallenge, Realm};
use sotto_wire::domain::Domain;
use sotto_wire::random::Random;
use sotto_wire::relay_api::GrantLifecycle;
use sotto_wire::time::{Clock, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::challenge::Challenges;
use crate::config::{Config, Limits};
use crate::gather::{Gather, Kind};
use crate::live::{Attachment, Hub};
use crate::objects::Objects;
use crate::rate::Buckets;
use crate::senders::Senders;
use crate::store::journal::{self, NewEntry};
use crate::store::queue::{self, Acknowledged, Queued};
use crate::store::{DeviceRow, Notice, Store};
use crate::watch::Watch;

const MINUTE_MS: u32 = 60_000;
const HOUR_MS: u32 = 3_600_000;
const DAY_MS: u32 = 86_400_000;

/// The running relay, as its routes and workers see it.
pub(crate) struct State {
    /// The discovery domain, which is also the `@authority` of requests.
    pub(crate) domain: Domain,
    /// Limits.
    pub(crate) limits: Limits,
    /// Whether this relay issues grants.
    pub(crate) lifecycle: GrantLifecycle,
    /// Header with the client's address, where a proxy sets one.
    pub(crate) client_ip_header: Option<String>,
    /// The database.
    pub(crate) store: Store,
    /// The files of attachments.
    pub(crate) objects: Arc<Objects>,
    /// Mints and checks challenges.
    pub(crate) challenges: Challenges,
    /// Verifies accounts of others.
    pub(crate) senders: Senders,
    /// Which accounts are in use, for who watches their declarations.
    pub(crate) watch: Watch,
    /// Attached devices.
    pub(crate) hub: Hub,
    /// Journaled puts that are not resolved yet.
    pub(crate) journaled: AtomicUsize,
    /// Puts on their way into the journal.
    pub(crate) puts: Arc<Gather<NewEntry>>,
    /// Acknowledgements on their way into the store, each device's by themselves.
    pub(crate) acks: Arc<Gather<Vec<Acknowledged>>>,
    /// Wakes the journal worker.
    pub(crate) journal_wake: Notify,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) random: Arc<dyn Random>,
    /// Says that it is not ready any more, though it still serves: it is about to end.
    pub(crate) draining: AtomicBool,
    /// How many sockets there were when the first of them was closed for the relay's end: over so much
    /// time they are spread.
    pub(crate) sockets_at_end: OnceLock<usize>,
    /// Set when the relay is told to end.
    pub(crate) stopping: CancellationToken,
    /// Exchanges and open sockets, which may outlive their connection as the server knows it.
    pub(crate) tasks: TaskTracker,
    /// Rate limits.
    pub(crate) rates: Rates,
}

/// Rate limits, each with its own buckets.
pub(crate) struct Rates {
    /// Challenges, by IP address.
    pub(crate) challenges: Buckets<IpAddr>,
    /// Claims and anonymous fetches of key packages, by IP address.
    pub(crate) packages: Buckets<IpAddr>,
    /// Registrations, by IP address.
    pub(crate) registrations: Buckets<IpAddr>,
    /// First-contact puts, by IP address.
    pub(crate) first_contacts: Buckets<IpAddr>,
    /// Puts at grants, by IP address.
    pub(crate) puts: Buckets<IpAddr>,
    /// Claims, by claimant.
    pub(crate) claimants: Buckets<String>,
    /// Fetches of attachments, by IP address.
    pub(crate) attachments: Buckets<IpAddr>,
    /// Single-use key packages, by the account they are of.
    pub(crate) claimed: Buckets<String>,
    /// The same, by claimant and account.
    pub(crate) claimed_by_one: Buckets<(String, String)>,
}

impl Rates {
    /// Empty buckets of the configured sizes.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            challenges: Buckets::new(limits.challenges_per_minute, MINUTE_MS),
            packages: Buckets::new(limits.lookups_per_minute, MINUTE_MS),
            registrations: Buckets::new(limits.lookups_per_minute, MINUTE_MS),
            first_contacts: Buckets::new(limits.lookups_per_minute, MINUTE_MS),
            puts: Buckets::new(limits.puts_per_minute, MINUTE_MS),
            claimants: Buckets::new(limits.claims_per_hour, HOUR_MS),
            attachments: Buckets::new(limits.attachment_fetches_per_minute, MINUTE_MS),
            claimed: Buckets::new(limits.single_use_per_day, DAY_MS),
            claimed_by_one: Buckets::new(limits.single_use_per_claimant, DAY_MS),
        }
    }
}

/// What a [`State`] is made of.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) domain: Domain,
    pub(crate) store: Store,
    pub(crate) objects: Arc<Objects>,
    pub(crate) secret: [u8; 32],
    pub(crate) journaled: usize,
    pub(crate) senders: Senders,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl State {
    /// Puts the parts together.
    pub(crate) fn new(parts: Parts) -> Self {
        let limits = parts.config.limits;
        // A file has one writer.
        let workers = parts.store.notices().map_or(1, |_| 2);
        Self {
            puts: Gather::new(Kind::Appending, workers, journal::append),
            acks: Gather::new(Kind::Changing, workers, |sql, acks| {
                queue::acknowledge(sql, &acks.concat())
            }),
            domain: parts.domain,
            lifecycle: parts.config.grant_lifecycle,
            client_ip_header: parts.config.client_ip_header,
            store: parts.store,
            objects: parts.objects,
            challenges: Challenges::new(parts.secret, limits.challenge_expiry),
            senders: parts.senders,
            watch: Watch::default(),
            hub: Hub::default(),
            journaled: AtomicUsize::new(parts.journaled),
            journal_wake: Notify::new(),
            clock: parts.clock,
            random: parts.random,
            draining: AtomicBool::new(false),
            sockets_at_end: OnceLock::new(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            rates: Rates::new(&limits),
            limits,
        }
    }

    /// Tells devices, wherever they are attached, that there is something in their queues.
    pub(crate) fn wake(&self, devices: &[DeviceRow]) {
        let elsewhere = self.hub.wake(devices);
        self.tell(elsewhere.into_iter().map(Notice::Queue));
    }

    /// Hands devices what was just queued, in the order of their queues, or tells them where they are.
    pub(crate) fn hand(&self, queued: Vec<(DeviceRow, Queued)>) {
        let elsewhere = self.hub.hand(queued);
        self.tell(elsewhere.into_iter().map(Notice::Queue));
    }

    /// Tells them that the pool is no longer empty.
    pub(crate) fn wake_for_pool(&self, devices: &[DeviceRow]) {
        let elsewhere = self.hub.wake_for_pool(devices);
        self.tell(elsewhere.into_iter().map(Notice::Pool));
    }

    /// Tells a device, wherever it is attached, that whether it is issued grants may have changed.
    pub(crate) fn tell_lifecycle(&self, device: DeviceRow) {
        let elsewhere = self.hub.wake_for_lifecycle(&[device]);
        self.tell(elsewhere.into_iter().map(Notice::Lifecycle));
    }

    /// Ends the connections of devices that are no longer registered.
    pub(crate) fn detach(&self, devices: &[DeviceRow]) {
        self.hub.detach(devices);
        self.tell(devices.iter().copied().map(Notice::Detached));
    }

    /// Attaches a device, in the place of its earlier connection, wherever that is.
    pub(crate) fn attach(&self, device: DeviceRow) -> Attachment {
        let attachment = self.hub.attach(device);
        self.tell(std::iter::once(Notice::Detached(device)));
        attachment
    }

    fn tell(&self, notices: impl Iterator<Item = Notice>) {
        if let Some(others) = self.store.notices() {
            others.tell(notices);
        }
    }

    /// So many journaled puts are resolved. Some of them may have come in elsewhere.
    pub(crate) fn resolved(&self, entries: usize) {
        let subtract = |journaled: usize| Some(journaled.saturating_sub(entries));
        let _ = self
            .journaled
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, subtract);
    }

    /// The time, in whole seconds.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time as the store keeps it.
    pub(crate) fn now_i64(&self) -> i64 {
        seconds(self.now().0)
    }

    /// The time `from_now` seconds later, as the store keeps it.
    pub(crate) fn later(&self, from_now: u64) -> i64 {
        seconds(self.now().plus(from_now).0)
    }

    /// Largest message.
    pub(crate) fn max_message(&self) -> usize {
        usize::try_from(self.limits.message_max_bytes).unwrap_or(usize::MAX)
    }

    /// A fresh challenge.
    pub(crate) fn mint(&self, realm: Realm, subject: &str) -> NextChallenge {
        self.challenges
            .mint(realm, subject, self.now().0, self.random.as_ref())
    }
}

/// Seconds as the store keeps them.
pub(crate) fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// Seconds as the wire has them.
pub(crate) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp(u64::try_from(seconds).unwrap_or(0))
}
