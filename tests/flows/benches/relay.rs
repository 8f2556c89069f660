//! The relay on loopback: the real program, a really registered device, a raw socket.
//!
//! `cargo bench -p sotto-flows --bench relay` prints lines `name<TAB>value<TAB>unit<TAB>ratio`. The
//! baseline is what no durable relay can avoid: a round trip over loopback TCP and 1 KiB made
//! durable, one after the other, measured in the same run. A ratio is the baseline's time by ours.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints its figures and stops where something is wrong"
)]

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use sotto_core::db::{DbError, OwnAccount, own};
use sotto_testkit::{Client, Relay, network};
use sotto_wire::cbor;
use sotto_wire::challenge::{ChallengeRequest, ChallengeResponse, Realm};
use sotto_wire::grant::{GrantPut, IssuedGrant};
use sotto_wire::http_sig::{self, RequestParts, SignatureHeaders};
use sotto_wire::relay_api::{Ack, CONTENT_TYPE, Event, GrantsRequest, GrantsResponse, paths};
use sotto_wire::time::{Clock as _, SystemClock};
use std::io::Write as _;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// As large as a short text is once sealed and padded.
const SIZE: usize = 1024;
const MESSAGES: usize = 500;
const SENDERS: usize = 16;
const EACH: usize = 100;

struct Owner {
    http: reqwest::Client,
    domain: String,
    account: OwnAccount,
}

#[tokio::main]
async fn main() {
    // `cargo test --benches` runs it too, to see that it still works.
    let measures = std::env::args().any(|argument| argument == "--bench");
    let messages = if measures { MESSAGES } else { 10 };
    let relay = Relay::start(network()).await;
    let owner = Owner::registered(&relay).await;

    let baseline = baseline(messages).await;
    let baseline_p50 = percentile(&baseline, 50);
    line(
        "baseline: TCP round trip and 1 KiB made durable, p50",
        baseline_p50,
        baseline_p50,
    );

    let times = put_to_event(&owner, messages).await;
    line(
        "relay: put to event, p50",
        percentile(&times, 50),
        baseline_p50,
    );
    line(
        "relay: put to event, p99",
        percentile(&times, 99),
        percentile(&baseline, 99),
    );

    let each = if measures { EACH } else { 2 };
    let per_put = concurrent_puts(&owner, each).await;
    line(
        &format!("relay: a put, {SENDERS} senders at once"),
        per_put,
        baseline_p50,
    );
}

fn line(name: &str, time: Duration, baseline: Duration) {
    let ratio = baseline.as_secs_f64() / time.as_secs_f64();
    println!("{name}\t{}\tµs\t{ratio:.2}", time.as_micros());
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent / 100).min(sorted.len() - 1);
    *sorted.get(at).expect("a measurement")
}

async fn baseline(messages: usize) -> Vec<Duration> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = [0; SIZE];
        while stream.read_exact(&mut bytes).await.is_ok() {
            stream.write_all(&bytes).await.unwrap();
        }
    });
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    let mut bytes = [7; SIZE];
    let mut times = Vec::new();
    for _ in 0..messages {
        let started = Instant::now();
        stream.write_all(&bytes).await.unwrap();
        stream.read_exact(&mut bytes).await.unwrap();
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
        times.push(started.elapsed());
    }
    times.sort();
    times
}

async fn put_to_event(owner: &Owner, messages: usize) -> Vec<Duration> {
    let grant = owner.grants(1).await.remove(0);
    let challenge = owner
        .challenge(Realm::GrantPut, grant.address.as_str())
        .await;
    let mut socket = owner.socket().await;
    let mut times = Vec::new();
    for n in 0..messages {
        let put = owner.put(&grant, &challenge, n);
        let started = Instant::now();
        let (status, delivery) = tokio::join!(put, async {
            loop {
                let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() else {
                    continue;
                };
                if let Ok(Event::Delivery(delivery)) = Event::decode(&bytes, 1 << 20) {
                    return (delivery, started.elapsed());
                }
            }
        });
        assert_eq!(status, 202);
        let (delivery, elapsed) = delivery;
        times.push(elapsed);
        let ack = Event::Ack(Ack {
            k: delivery.k,
            id: delivery.id,
        });
        socket.send(Message::binary(ack.encode())).await.unwrap();
    }
    times.sort();
    times
}

/// The time of one put when many come at once.
async fn concurrent_puts(owner: &Owner, each: usize) -> Duration {
    let grants = owner.grants(SENDERS).await;
    let mut prepared = Vec::new();
    for grant in grants {
        let challenge = owner
            .challenge(Realm::GrantPut, grant.address.as_str())
            .await;
        prepared.push((grant, challenge));
    }
    let started = Instant::now();
    let senders = prepared.iter().map(|(grant, challenge)| async move {
        for n in 0..each {
            assert_eq!(owner.put(grant, challenge, n).await, 202);
        }
    });
    futures_util::future::join_all(senders).await;
    started.elapsed() / u32::try_from(SENDERS * each).unwrap()
}

impl Owner {
    /// A device that signed in and was set up as every other, and whose app then ended.
    async fn registered(relay: &Relay) -> Self {
        let mut client = Client::ready(network(), "bench", 0, relay.domain()).await;
        let database = client.app().database().expect("signed in");
        let read = database.read::<_, DbError>(|tx| own::load(tx));
        let account = read.await.unwrap().expect("an account");
        client.stop().await;
        Self {
            http: reqwest::Client::new(),
            domain: relay.domain().to_owned(),
            account,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.domain)
    }

    async fn post(&self, path: &str, body: Vec<u8>, signed: Option<SignatureHeaders>) -> Vec<u8> {
        let mut request = self
            .http
            .post(self.url(path))
            .header("content-type", CONTENT_TYPE);
        if let Some(headers) = signed {
            request = request
                .header(http_sig::CONTENT_DIGEST, headers.content_digest.unwrap())
                .header(http_sig::SIGNATURE_INPUT, headers.signature_input)
                .header(http_sig::SIGNATURE, headers.signature);
        }
        let answer = request.body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.bytes().await.unwrap().to_vec()
    }

    async fn challenge(&self, realm: Realm, subject: &str) -> String {
        let request = cbor::encode(&ChallengeRequest {
            r: realm,
            s: subject.to_owned(),
        });
        let answer = self.post(paths::CHALLENGES, request, None).await;
        cbor::decode::<ChallengeResponse>(&answer, 4096).unwrap().c
    }

    async fn sign(&self, method: &Method, path: &str, body: Option<&[u8]>) -> SignatureHeaders {
        let subject = self.account.device_key.public().thumbprint().text();
        let challenge = self.challenge(Realm::Device, &subject).await;
        let parts = RequestParts {
            method: method.as_str(),
            authority: &self.domain,
            path,
            query: None,
            body,
        };
        let created = SystemClock.now();
        http_sig::sign(&parts, &challenge, created, &self.account.device_key).unwrap()
    }

    async fn grants(&self, n: usize) -> Vec<IssuedGrant> {
        let body = cbor::encode(&GrantsRequest { n: n as u64 });
        let signed = self.sign(&Method::POST, paths::GRANTS, Some(&body)).await;
        let answer = self.post(paths::GRANTS, body, Some(signed)).await;
        cbor::decode::<GrantsResponse>(&answer, 1 << 16)
            .unwrap()
            .grants
    }

    async fn put(&self, grant: &IssuedGrant, challenge: &str, n: usize) -> u16 {
        let mut message = vec![7; SIZE];
        message.extend_from_slice(&n.to_be_bytes());
        let put = GrantPut::new(&grant.key, &grant.address, challenge, message).encode();
        let url = self.url(&paths::grant_mailbox(&grant.address));
        let request = self
            .http
            .post(url)
            .header("content-type", CONTENT_TYPE)
            .body(put);
        request.send().await.unwrap().status().as_u16()
    }

    /// The event socket, past its backlog.
    async fn socket(
        &self,
    ) -> tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>
    {
        let signed = self.sign(&Method::GET, paths::EVENTS, None).await;
        let url = format!("ws://{}{}", self.domain, paths::EVENTS);
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert(
            http_sig::SIGNATURE_INPUT,
            signed.signature_input.parse().unwrap(),
        );
        headers.insert(http_sig::SIGNATURE, signed.signature.parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Binary(bytes) => match Event::decode(&bytes, 1 << 20).unwrap() {
                    Event::CaughtUp => return socket,
                    Event::Delivery(_) => panic!("the mailbox is not empty"),
                    _ => {}
                },
                other => panic!("unexpected frame: {other:?}"),
            }
        }
    }
}
