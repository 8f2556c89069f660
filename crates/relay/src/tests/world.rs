//! A relay, a clock that stands still, a network of accounts, and a client.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use reqwest::{Method, StatusCode};
use sotto_wire::cbor;
use sotto_wire::challenge::{ChallengeRequest, ChallengeResponse, Realm};
use sotto_wire::did::Did;
use sotto_wire::domain::Domain;
use sotto_wire::grant::{GrantPut, IssuedGrant};
use sotto_wire::http_sig::{self, RequestParts};
use sotto_wire::key::SigningKey;
use sotto_wire::random::OsRandom;
use sotto_wire::relay_api::{GrantsRequest, GrantsResponse, MessagesPage, paths};
use sotto_wire::time::{Clock, Timestamp};

use super::answer::Answer;
use super::doubles::{HandClock, Published};
use super::people::{Device, Person};
use crate::accounts::{Account, Accounts};
use crate::config::{Config, ServerUrl};
use crate::relay::{self, JournalWorker, RunningRelay};

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) relay: RunningRelay,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) published: Arc<Published>,
    pub(crate) data: PathBuf,
    _dir: Arc<tempfile::TempDir>,
    http: reqwest::Client,
    pub(crate) base: String,
}

/// How to start.
pub(crate) struct Setup {
    pub(crate) dir: Arc<tempfile::TempDir>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) published: Arc<Published>,
    pub(crate) domain: Option<Domain>,
    pub(crate) adjust: fn(&mut Config),
    pub(crate) journal: JournalWorker,
    /// A server instead of a file.
    pub(crate) server: Option<ServerUrl>,
}

/// Whether these are the tests on PostgreSQL: the same files as those on SQLite, under another name.
pub(crate) fn on_postgres() -> bool {
    module_path!().contains("tests_on_postgres")
}

#[cfg(unix)]
fn server() -> Option<ServerUrl> {
    on_postgres().then(super::postgres::schema)
}

/// Where the server's programs are and whose they must be is known of Unix only.
#[cfg(not(unix))]
fn server() -> Option<ServerUrl> {
    None
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            dir: Arc::new(tempfile::tempdir().expect("dir")),
            clock: Arc::default(),
            published: Arc::default(),
            domain: None,
            adjust: |_| {},
            journal: JournalWorker::Running,
            server: server(),
        }
    }
}

impl Setup {
    pub(crate) async fn start(&self) -> World {
        let data = self.dir.path().join("relay.db");
        let plc = url::Url::parse("http://127.0.0.1:1").expect("url");
        let mut config = Config::development(data.clone(), plc);
        config.domain = self.domain.clone();
        config.server = self.server.clone();
        config.limits.challenges_per_minute = 1_000_000;
        config.limits.lookups_per_minute = 1_000_000;
        config.limits.puts_per_minute = 1_000_000;
        (self.adjust)(&mut config);
        let accounts = Arc::clone(&self.published) as Arc<dyn Accounts>;
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let relay = relay::start(config, clock, Arc::new(OsRandom), accounts, self.journal)
            .await
            .expect("relay");
        World {
            base: format!("http://{}", relay.addr()),
            relay,
            clock: Arc::clone(&self.clock),
            published: Arc::clone(&self.published),
            data,
            _dir: Arc::clone(&self.dir),
            http: reqwest::Client::new(),
        }
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Setup::default().start().await
    }

    pub(crate) async fn with(adjust: fn(&mut Config)) -> Self {
        Setup {
            adjust,
            ..Setup::default()
        }
        .start()
        .await
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now().0
    }

    /// Publishes a person's record, with this relay's domain.
    pub(crate) fn publish(&self, person: &Person) {
        self.publish_after(person, &[]);
    }

    /// The same, with keys that lead to the person's.
    pub(crate) fn publish_after(&self, person: &Person, before: &[&Person]) {
        self.published.set(
            &person.did,
            Ok(Account {
                key: person.delegate.public(),
                domain: self.relay.domain().clone(),
                predecessors: before.iter().map(|it| it.delegate.public()).collect(),
                rev: String::new(),
            }),
        );
    }

    /// A published person.
    pub(crate) fn person(&self, name: &str) -> Person {
        let person = Person::new(name);
        self.publish(&person);
        person
    }

    /// A published person with one registered device.
    pub(crate) async fn registered(&self, name: &str) -> (Person, Device) {
        let person = self.person(name);
        let device = person.device(self.now());
        let body = person.registration(&device, person.roster(1, &[&device]));
        let answer = self
            .owner(&device, Method::POST, paths::REGISTRATIONS, Some(body))
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.error());
        (person, device)
    }

    pub(crate) async fn challenge(&self, realm: Realm, subject: &str) -> String {
        let body = cbor::encode(&ChallengeRequest {
            r: realm,
            s: subject.to_owned(),
        });
        let answer = self
            .send(Method::POST, paths::CHALLENGES, &[], Some(body))
            .await;
        answer.decode::<ChallengeResponse>().c
    }

    /// Headers that sign a request.
    pub(crate) fn sign(
        &self,
        method: &Method,
        target: &str,
        body: Option<&[u8]>,
        challenge: &str,
        key: &SigningKey,
    ) -> Vec<(String, String)> {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let authority = self.relay.domain().as_str();
        let parts = RequestParts {
            method: method.as_str(),
            authority,
            path,
            query,
            body,
        };
        let signed = http_sig::sign(&parts, challenge, Timestamp(self.now()), key).expect("sign");
        let mut headers = vec![
            (http_sig::SIGNATURE_INPUT.to_owned(), signed.signature_input),
            (http_sig::SIGNATURE.to_owned(), signed.signature),
        ];
        let digest = signed.content_digest;
        headers.extend(digest.map(|value| (http_sig::CONTENT_DIGEST.to_owned(), value)));
        headers
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        target: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{target}", self.base));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.expect("response");
        let (status, headers) = (response.status(), response.headers().clone());
        Answer {
            status,
            headers,
            body: response.bytes().await.expect("body").to_vec(),
        }
    }

    /// A signed request of a device.
    pub(crate) async fn owner(
        &self,
        device: &Device,
        method: Method,
        target: &str,
        body: Option<Vec<u8>>,
    ) -> Answer {
        let subject = device.key.public().thumbprint().text();
        let challenge = self.challenge(Realm::Device, &subject).await;
        let headers = self.sign(&method, target, body.as_deref(), &challenge, &device.key);
        self.send(method, target, &headers, body).await
    }

    /// A request that a delegate key signs by itself.
    pub(crate) async fn anchor(
        &self,
        person: &Person,
        method: Method,
        target: &str,
        body: Option<Vec<u8>>,
    ) -> Answer {
        let challenge = self.challenge(Realm::Anchor, person.did.as_str()).await;
        let key = &person.delegate;
        let headers = self.sign(&method, target, body.as_deref(), &challenge, key);
        self.send(method, target, &headers, body).await
    }

    pub(crate) async fn grants(&self, device: &Device, n: u64) -> Vec<IssuedGrant> {
        let body = cbor::encode(&GrantsRequest { n });
        let answer = self
            .owner(device, Method::POST, paths::GRANTS, Some(body))
            .await;
        let grants = answer.decode::<GrantsResponse>().grants;
        assert!(grants.iter().all(|grant| grant.is_at(self.relay.domain())));
        grants
    }

    /// Puts a message at a grant.
    pub(crate) async fn put(&self, grant: &IssuedGrant, message: &[u8]) -> Answer {
        let challenge = self
            .challenge(Realm::GrantPut, grant.address.as_str())
            .await;
        let put = GrantPut::new(&grant.key, &grant.address, &challenge, message.to_vec());
        let path = paths::grant_mailbox(&grant.address);
        self.send(Method::POST, &path, &[], Some(put.encode()))
            .await
    }

    /// Puts an envelope into a DID mailbox.
    pub(crate) async fn contact(&self, recipient: &Did, envelope: Vec<u8>) -> Answer {
        self.send(
            Method::POST,
            &paths::did_mailbox(recipient),
            &[],
            Some(envelope),
        )
        .await
    }

    /// The first page of a device's queue.
    pub(crate) async fn queue(&self, device: &Device) -> MessagesPage {
        self.owner(device, Method::GET, paths::MESSAGES, None)
            .await
            .decode()
    }

    /// The messages of a device's queue, waiting until there are `n`.
    pub(crate) async fn queued(&self, device: &Device, n: usize) -> Vec<Vec<u8>> {
        for _ in 0..200 {
            let page = self.queue(device).await;
            if page.messages.len() >= n {
                return page
                    .messages
                    .into_iter()
                    .map(|delivery| delivery.m)
                    .collect();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the queue never had {n} messages");
    }

    /// Waits until no put is unresolved.
    pub(crate) async fn settled(&self) {
        for _ in 0..500 {
            if self.relay.state().journaled.load(Ordering::SeqCst) == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("the journal was not worked off");
    }
}
