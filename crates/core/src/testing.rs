//! Alice and Bob for tests and benches: databases in temporary directories, a clock that is moved
//! by hand, and a relay that is a queue. Uses the crate as everybody else does, so that
//! `benches/engine.rs` can include it.

use sotto_core::db::{
    Database, DatabaseKey, DbError, OwnAccount, Peer, ReadTx, WriteTx, own as own_account,
};
use sotto_core::messages::{
    EngineError, Incoming, Message, Outcome, Source, compose, history, receive, seal, start,
};
use sotto_core::mls::{PeerDevice, key_packages, send_group};
use sotto_core::outbox::{self, Need, Put, PutResult, Route, grant_stock};
use sotto_identity::repo::Tid;
use sotto_identity::verify::{Evidence, Level, Pin};
use sotto_wire::claim;
use sotto_wire::conversation::ConversationId;
use sotto_wire::device::{DeviceCertificate, DeviceId};
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::first_contact::UnverifiedEnvelope;
use sotto_wire::grant::{self, GrantKey, IssuedGrant};
use sotto_wire::key::SigningKey;
use sotto_wire::random::OsRandom;
use sotto_wire::time::{Clock, SystemClock, Timestamp};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// Starts at the real time, as openmls looks at the real clock too; moved by hand.
pub struct TestClock(AtomicU64);

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(SystemClock.now_ms())))
    }

    pub fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn set_back_ms(&self, ms: u64) {
        self.0.fetch_sub(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// An account with one device.
pub struct Party {
    pub db: Option<Database>,
    pub own: OwnAccount,
    pub clock: Arc<TestClock>,
    pub dir: TempDir,
    /// What the relay would deliver.
    pub queue: Vec<Incoming>,
    /// Key packages that lie at the relay already; where there are none, one is made.
    pub packages: RefCell<Vec<Vec<u8>>>,
}

const KEY: [u8; 32] = [7; 32];
const DAY: u64 = 86_400;

impl Party {
    pub fn new(name: &str, clock: &Arc<TestClock>) -> Self {
        let dir = TempDir::new().unwrap();
        let own = account(name, clock.now());
        let mut party = Self {
            db: None,
            own: own.clone(),
            clock: Arc::clone(clock),
            dir,
            queue: Vec::new(),
            packages: RefCell::default(),
        };
        party.open();
        party.write(move |tx| own_account::store(tx, &own));
        party.stock(16);
        party
    }

    pub fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("sotto.db")
    }

    pub fn open(&mut self) {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let key = DatabaseKey::new(KEY);
        let database = sotto_core::messages::open(&self.path(), &key, clock, Arc::new(OsRandom));
        self.db = Some(database.unwrap());
    }

    /// As after a crash: nothing but what is on the disk.
    pub fn reopen(&mut self) {
        self.db = None;
        self.open();
    }

    pub fn db(&self) -> &Database {
        self.db.as_ref().unwrap()
    }

    pub fn write<T: Send + 'static, E: From<DbError> + std::fmt::Debug + Send + 'static>(
        &self,
        f: impl FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> T {
        self.db().write_blocking(move |tx| f(tx)).unwrap()
    }

    pub fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&ReadTx<'_>) -> Result<T, DbError> + Send + 'static,
    ) -> T {
        self.db().read_blocking(f).unwrap()
    }

    /// What verifying this account finds.
    pub fn pin(&self) -> Pin {
        pin(&self.own)
    }

    pub fn peer(&self) -> Peer {
        Peer {
            pin: self.pin(),
            handle: Some("name.example".into()),
            display_name: None,
            avatar: None,
            verified_at: self.clock.now_ms(),
            last_error: None,
            confirmed_at: None,
        }
    }

    /// Grants from this party's relay.
    pub fn stock(&self, n: usize) {
        let expires = self.clock.now().plus(90 * DAY);
        let (host, at) = (self.own.domain.clone(), self.own.domain.clone());
        let grants = (0..n).map(move |_| {
            let key = GrantKey::generate(&OsRandom);
            IssuedGrant {
                address: grant::address(&key, &host),
                key,
                expires,
            }
        });
        let grants = grants.collect();
        self.write(move |tx| grant_stock::add(tx, &at, grants));
    }

    /// A key package as this party's relay would hand it out.
    pub fn key_package(&self) -> Vec<u8> {
        self.write(|tx| key_packages::generate_single_use(tx, 1))
            .remove(0)
            .bytes
    }

    pub fn start(&self, other: &Party) -> ConversationId {
        let peer = other.peer();
        self.write(move |tx| start::conversation(tx, &peer))
    }

    pub fn say(&self, other: &Party, text: &str) -> i64 {
        let id = self.start(other);
        let text = text.to_owned();
        self.write(move |tx| compose::text(tx, &id, &text))
    }

    /// Makes the own send group with key packages claimed from the other's relay.
    pub fn contact(&self, other: &Party) {
        let published = other.packages.borrow_mut().pop();
        let package = published.unwrap_or_else(|| other.key_package());
        self.contact_with(other, package);
    }

    /// One step of the sender's sealing, with whatever has to be fetched first.
    pub fn seal(&self, other: &Party) -> Vec<Put> {
        let id = ConversationId::of(&self.own.did, &other.own.did);
        loop {
            match self
                .db()
                .write_blocking(move |tx| seal::next(tx, &id, 2000))
            {
                Ok(puts) => return puts,
                Err(EngineError::UnknownConversation) => return Vec::new(),
                Err(EngineError::Need(Need::Grants(n))) => self.stock(n),
                Err(EngineError::Need(Need::FirstContact { .. })) => self.contact(other),
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub fn due(&self) -> Vec<Put> {
        let now = self.clock.now_ms();
        self.read(move |tx| outbox::due(tx, now))
    }

    pub fn settle(&self, put: &Put, result: PutResult) {
        let id = put.id;
        self.write(move |tx| outbox::settle(tx, id, &result));
    }

    /// What the relay of the recipient delivers for a put of this party.
    pub fn delivery(&self, put: &Put) -> Incoming {
        let source = match &put.route {
            Route::Grant { address, .. } => Source::Grant(address.clone()),
            Route::DidMailbox { .. } => Source::DidMailbox {
                sender: Box::new(self.pin()),
                envelope: Box::new(UnverifiedEnvelope::parse(&put.bytes).unwrap()),
            },
        };
        Incoming {
            relay_id: String::new(),
            source,
            bytes: put.bytes.clone(),
        }
    }

    /// Seals everything, and puts everything that is due into the other's queue.
    pub fn send(&self, other: &mut Party) -> usize {
        self.seal(other);
        let due = self.due();
        for put in &due {
            other.queue.push(self.delivery(put));
            self.settle(put, PutResult::Accepted);
        }
        due.len()
    }

    pub fn receive_batch(&self, incoming: Vec<Incoming>) -> Vec<Outcome> {
        self.write(move |tx| receive::batch(tx, &incoming))
    }

    /// Processes the queue.
    pub fn receive(&mut self) -> Vec<Outcome> {
        let incoming = std::mem::take(&mut self.queue);
        self.receive_batch(incoming)
    }

    /// The conversation with the other, without the lines in between.
    pub fn messages(&self, other: &Party) -> Vec<Message> {
        let mut timeline = self.timeline(other);
        timeline.retain(|message| message.notice.is_none());
        timeline
    }

    /// The codes of the lines in between.
    pub fn notices(&self, other: &Party) -> Vec<String> {
        let timeline = self.timeline(other).into_iter();
        timeline.filter_map(|message| message.notice).collect()
    }

    fn timeline(&self, other: &Party) -> Vec<Message> {
        let id = ConversationId::of(&self.own.did, &other.own.did);
        self.read(move |tx| history::page(tx, &id, None, 100_000))
    }

    pub fn texts(&self, other: &Party) -> Vec<String> {
        self.messages(other)
            .into_iter()
            .filter_map(|message| message.text)
            .collect()
    }

    pub fn count(&self, sql: &'static str) -> i64 {
        self.read(move |tx| Ok(tx.query_row(sql, [], |row| row.get(0))?))
    }
}

/// Sends and receives until nothing moves any more.
pub fn settle(a: &mut Party, b: &mut Party) {
    for _ in 0..64 {
        let moved = a.send(b) + b.send(a) + a.queue.len() + b.queue.len();
        a.receive();
        b.receive();
        if moved == 0 {
            return;
        }
    }
    panic!("the two never come to rest");
}

/// Alice and Bob, each with a send group and grants of the other.
pub fn acquainted() -> (Party, Party) {
    let clock = TestClock::new();
    let (mut alice, mut bob) = (Party::new("alice", &clock), Party::new("bob", &clock));
    alice.say(&bob, "hello");
    settle(&mut alice, &mut bob);
    (alice, bob)
}

pub fn pin(own: &OwnAccount) -> Pin {
    Pin {
        did: own.did.clone(),
        key: own.delegate_key.public(),
        domain: own.domain.clone(),
        incoming: claim::Incoming::Everyone,
        claim_seq: own.claim_seq,
        repo_rev: Tid::parse("3kdgeujwlq32y").unwrap(),
        level: Level::Vended,
        evidence: Evidence::default(),
        predecessors: Vec::new(),
    }
}

pub fn account(name: &str, now: Timestamp) -> OwnAccount {
    let did = Did::parse(&format!("did:web:{name}.example")).unwrap();
    let delegate_key = SigningKey::generate(&OsRandom);
    let device_key = SigningKey::generate(&OsRandom);
    let device_id = DeviceId::generate(&OsRandom);
    let certificate = DeviceCertificate {
        did: did.clone(),
        device_id,
        device_key: device_key.public(),
        issued_at: now,
        expires_at: now.plus(365 * DAY),
    };
    OwnAccount {
        did,
        handle: format!("{name}.example"),
        domain: Domain::parse(&format!("relay.{name}.example")).unwrap(),
        certificate: certificate.sign(&delegate_key),
        delegate_key,
        device_id,
        device_key,
        roster: Vec::new(),
        roster_seq: 1,
        claim_seq: 1,
    }
}

impl Party {
    pub fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn clock_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// As [`Party::contact`], with a given key package of the other.
    pub fn contact_with(&self, other: &Party, key_package: Vec<u8>) {
        let (id, pin) = (self.start(other), other.pin());
        let certificate = other.own.certificate.clone();
        self.write(move |tx| {
            let device = PeerDevice {
                certificate,
                key_package,
                last_resort: false,
                account: &pin,
            };
            send_group::create(tx, &id, &[device])
        });
    }
}

impl Party {
    /// What somebody has who copies the disk, and knows the key of the database.
    pub fn copy(&self) -> Self {
        let dir = TempDir::new().unwrap();
        copy_files(self.dir.path(), dir.path());
        let mut copy = Self {
            db: None,
            own: self.own.clone(),
            clock: Arc::clone(&self.clock),
            dir,
            queue: Vec::new(),
            packages: RefCell::default(),
        };
        copy.open();
        copy
    }

    /// Puts an older image of the disk back.
    pub fn restore(&mut self, image: &Self) {
        self.db = None;
        for entry in std::fs::read_dir(self.dir.path()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        copy_files(image.dir.path(), self.dir.path());
        self.open();
    }
}

fn copy_files(from: &std::path::Path, to: &std::path::Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
