use super::*;
use crate::db::holds::{self, Hold};
use crate::relay::Relays;
use crate::testing::{Party, TestClock};
use async_trait::async_trait;
use sotto_identity::http::{Http, HttpError, Request, Response};
use sotto_identity::{Endpoints, Network};
use sotto_wire::random::OsRandom;
use url::Url;

const PEER: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const DAY: u64 = DAY_MS;

/// A network in which everything answers with this status, or is down.
struct Answering {
    status: Mutex<Option<u16>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Http for Answering {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.asked.lock().unwrap().push(request.url.to_string());
        let status = self.status.lock().unwrap().ok_or(HttpError::Unreachable)?;
        Ok(Response {
            status,
            headers: Vec::new(),
            body: b"{}".to_vec(),
        })
    }
}

struct Setting {
    alice: Party,
    clock: Arc<TestClock>,
    net: Arc<Answering>,
    discovery: Discovery,
    suspects: Suspects,
    attempts: Attempts,
}

impl Setting {
    /// Alice with a conversation with [`PEER`], who was verified just now.
    fn new(status: Option<u16>) -> Self {
        let clock = TestClock::new();
        let alice = Party::new("alice", &clock);
        let net = Arc::new(Answering {
            status: Mutex::new(status),
            asked: Mutex::default(),
        });
        let nowhere = Url::parse("https://plc.example").unwrap();
        let endpoints = Endpoints {
            plc: nowhere.clone(),
            handle_resolver: None,
            appview: nowhere,
            development: false,
        };
        let http = Arc::clone(&net) as Arc<dyn Http>;
        let key = alice.own.device_key.clone();
        let discovery = Discovery {
            network: Network::with_http(endpoints, Arc::clone(&http)),
            relays: Relays::new(http, false, Arc::clone(&clock) as _, key),
            database: alice.db().clone(),
            own: Arc::new(alice.own.clone()),
            clock: Arc::clone(&clock) as _,
            follows: Arc::default(),
        };
        let mut peer = Party::new("bob", &clock).peer();
        peer.pin.did = Did::parse(PEER).unwrap();
        alice.write(move |tx| crate::messages::start::conversation(tx, &peer));
        Self {
            alice,
            clock,
            net,
            discovery,
            suspects: Suspects::default(),
            attempts: Attempts::default(),
        }
    }

    async fn turn(&mut self) -> bool {
        let (suspects, attempts) = (&self.suspects, &mut self.attempts);
        turn(&self.discovery, suspects, &OsRandom, attempts).await
    }

    fn asked(&self) -> usize {
        std::mem::take(&mut *self.net.asked.lock().unwrap()).len()
    }

    fn peer(&self) -> crate::db::Peer {
        let did = Did::parse(PEER).unwrap();
        self.alice.read(move |tx| peers::by_did(tx, &did)).unwrap()
    }

    fn set_error(&self, code: &'static str) {
        let mut peer = self.peer();
        peer.last_error = Some(code.to_owned());
        self.alice
            .write(move |tx| peers::upsert(tx, &peer).map(drop));
    }
}

/// The database answers in real time, so time stands still only while it is moved.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_peer_is_verified_anew_after_a_day() {
    let mut setting = Setting::new(Some(404));
    setting.clock.advance_ms(DAY - EARLIER_MS - 1000);
    assert!(!setting.turn().await);
    assert_eq!(setting.asked(), 0);
    setting.clock.advance_ms(EARLIER_MS + 2000);
    assert!(setting.turn().await);
    let asked = setting.net.asked.lock().unwrap().clone();
    assert!(
        asked
            .iter()
            .any(|url| url.ends_with(&format!("{PEER}/log/audit")))
    );
    assert_eq!(
        setting.peer().last_error.as_deref(),
        Some("did.unresolvable")
    );
}

#[tokio::test]
async fn what_may_work_later_changes_nothing_and_is_tried_later() {
    let mut setting = Setting::new(None);
    setting.clock.advance_ms(DAY + 1000);
    assert!(setting.turn().await);
    assert_eq!(setting.peer().last_error, None);
    assert!(setting.asked() > 0);
    assert!(!setting.turn().await, "not at once");
    pass(AFTER_FAILURE).await;
    assert!(setting.turn().await);
    assert!(setting.asked() > 0);
}

#[tokio::test]
async fn a_suspect_is_verified_at_once_but_not_all_the_time() {
    let mut setting = Setting::new(Some(404));
    let did = Did::parse(PEER).unwrap();
    setting.suspects.add(&did);
    setting.suspects.add(&did);
    assert!(setting.turn().await);
    let once = setting.asked();
    assert!(once > 0);
    setting.suspects.add(&did);
    assert!(
        !setting.turn().await,
        "a relay cannot make us ask all the time"
    );
    pass(AT_MOST_EVERY).await;
    setting.suspects.add(&did);
    assert!(setting.turn().await);
    assert_eq!(setting.asked(), once);
}

#[tokio::test]
async fn what_was_refused_is_tried_every_hour() {
    let mut setting = Setting::new(Some(404));
    assert!(!setting.turn().await);
    setting.set_error("account.key_changed");
    assert!(setting.turn().await);
    assert!(!setting.turn().await);
    pass(AFTER_FAILURE).await;
    assert!(setting.turn().await);
}

#[tokio::test]
async fn strangers_without_a_conversation_are_left_alone() {
    let mut setting = Setting::new(Some(404));
    let mut stranger = Party::new("carol", &setting.clock).peer();
    stranger.pin.did = Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
    setting
        .alice
        .write(move |tx| peers::upsert(tx, &stranger).map(drop));
    setting.clock.advance_ms(2 * DAY);
    assert!(setting.turn().await);
    let asked = setting.net.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|url| url.contains(PEER)));
    assert!(!setting.turn().await);
}

#[tokio::test]
async fn a_verification_ends_its_own_errors_only() {
    let setting = Setting::new(None);
    let verified = || {
        let pin = setting.peer().pin;
        setting
            .alice
            .write(move |tx| renew::checked(tx, &pin, None));
    };
    let hold = Hold {
        code: "plc.rolled_back".into(),
        key: None,
    };
    let did = setting.peer().pin.did;
    setting
        .alice
        .write(move |tx| holds::refuse(tx, &did, &hold));
    assert_eq!(
        setting.peer().last_error.as_deref(),
        Some("plc.rolled_back")
    );
    verified();
    assert_eq!(setting.peer().last_error, None);
    setting.set_error("key_package.none");
    verified();
    assert_eq!(
        setting.peer().last_error.as_deref(),
        Some("key_package.none")
    );
}

#[tokio::test]
async fn a_verification_that_was_overtaken_stores_nothing() {
    let setting = Setting::new(None);
    let mut older = setting.peer().pin;
    older.claim_seq = 0;
    setting
        .alice
        .write(move |tx| renew::checked(tx, &older, None));
    assert_ne!(setting.peer().pin.claim_seq, 0);
}
