//! A registered device that speaks with its relay by itself, and is told when that goes wrong.

use crate::client::Client;
use crate::network::Network;
use futures_util::StreamExt as _;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sotto_core::db::{DbError, OwnAccount, own};
use sotto_wire::cbor;
use sotto_wire::challenge::{ChallengeRequest, ChallengeResponse, Realm};
use sotto_wire::grant::{GrantPut, IssuedGrant};
use sotto_wire::http_sig::{self, RequestParts, SignatureHeaders};
use sotto_wire::relay_api::{
    Ack, Acks, CONTENT_TYPE, Event, GrantsRequest, GrantsResponse, MessagesPage, paths,
};
use sotto_wire::time::{Clock as _, SystemClock};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// An event socket.
pub type Events = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Longest answer.
const MAX: usize = 1 << 24;

/// Why there is no answer that could be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The connection broke, or there was none.
    Broken,
    /// The relay says so.
    Status(u16),
}

/// A device, with the doors that lead to its relay: a process may be away.
pub struct Mailbox {
    http: reqwest::Client,
    domain: String,
    doors: Vec<u16>,
    turn: AtomicUsize,
    account: OwnAccount,
}

impl Mailbox {
    /// A device that signs in and is set up as every other, and whose app then ends.
    ///
    /// # Panics
    /// When that does not work.
    pub async fn registered(network: &Network, name: &str, domain: &str, doors: &[u16]) -> Self {
        let mut client = Client::ready(network, name, 0, domain).await;
        let database = client.app().database().expect("signed in");
        let read = database.read::<_, DbError>(|tx| own::load(tx));
        let account = read.await.expect("a database").expect("an account");
        client.stop().await;
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20));
        Self {
            http: http.build().expect("a client"),
            domain: domain.to_owned(),
            doors: doors.to_vec(),
            turn: AtomicUsize::new(0),
            account,
        }
    }

    /// New grants.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn grants(&self, n: u64) -> Result<Vec<IssuedGrant>, Trouble> {
        let body = cbor::encode(&GrantsRequest { n });
        let answer = self.owner(&Method::POST, paths::GRANTS, Some(body)).await?;
        decoded::<GrantsResponse>(&answer).map(|it| it.grants)
    }

    /// A challenge for puts at a grant.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn challenge(&self, grant: &IssuedGrant) -> Result<String, Trouble> {
        let door = self.door();
        self.challenge_at(door, Realm::GrantPut, grant.address.as_str())
            .await
    }

    /// Puts a message; nothing is said where it was promised.
    ///
    /// # Errors
    /// [`Trouble`]: it may have been taken all the same, or not.
    pub async fn put(
        &self,
        grant: &IssuedGrant,
        challenge: &str,
        message: Vec<u8>,
    ) -> Result<(), Trouble> {
        let put = GrantPut::new(&grant.key, &grant.address, challenge, message);
        let url = url("http", self.door(), &paths::grant_mailbox(&grant.address));
        let request = self.http.post(url).header("content-type", CONTENT_TYPE);
        answered(request.body(put.encode())).await.map(drop)
    }

    /// A page of the queue.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn page(&self, cursor: Option<&str>) -> Result<MessagesPage, Trouble> {
        let target = cursor.map_or_else(
            || paths::MESSAGES.to_owned(),
            |it| format!("{}{}", paths::MESSAGES, paths::messages_query(it)),
        );
        decoded(&self.owner(&Method::GET, &target, None).await?)
    }

    /// Acknowledges.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn acknowledge(&self, acks: Vec<Ack>) -> Result<(), Trouble> {
        let body = cbor::encode(&Acks { acks });
        let answer = self.owner(&Method::POST, paths::ACKS, Some(body)).await;
        answer.map(drop)
    }

    /// An event socket.
    ///
    /// # Errors
    /// [`Trouble`].
    ///
    /// # Panics
    /// When a header is none.
    pub async fn events(&self) -> Result<Events, Trouble> {
        let door = self.door();
        let signed = self.sign(door, &Method::GET, paths::EVENTS, None).await?;
        let request = url("ws", door, paths::EVENTS).into_client_request();
        let mut request = request.expect("a request");
        for (name, value) in [
            (http_sig::SIGNATURE_INPUT, signed.signature_input),
            (http_sig::SIGNATURE, signed.signature),
        ] {
            let value = value.parse().expect("a header");
            request.headers_mut().insert(name, value);
        }
        let connecting = tokio_tungstenite::connect_async(request);
        match tokio::time::timeout(Duration::from_secs(10), connecting).await {
            Ok(Ok((socket, _))) => Ok(socket),
            _ => Err(Trouble::Broken),
        }
    }

    /// The doors take turns, so that who finds one closed comes to another.
    fn door(&self) -> u16 {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let open = self.doors.iter().cycle().nth(turn % self.doors.len());
        *open.expect("a door")
    }

    async fn owner(
        &self,
        method: &Method,
        target: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, Trouble> {
        let door = self.door();
        let signed = self.sign(door, method, target, body.as_deref()).await?;
        let mut request = self
            .http
            .request(method.clone(), url("http", door, target))
            .header("content-type", CONTENT_TYPE)
            .header(http_sig::SIGNATURE_INPUT, signed.signature_input)
            .header(http_sig::SIGNATURE, signed.signature);
        if let Some(digest) = signed.content_digest {
            request = request.header(http_sig::CONTENT_DIGEST, digest);
        }
        answered(request.body(body.unwrap_or_default())).await
    }

    async fn sign(
        &self,
        door: u16,
        method: &Method,
        target: &str,
        body: Option<&[u8]>,
    ) -> Result<SignatureHeaders, Trouble> {
        let subject = self.account.device_key.public().thumbprint().text();
        let challenge = self.challenge_at(door, Realm::Device, &subject).await?;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let parts = RequestParts {
            method: method.as_str(),
            authority: &self.domain,
            path,
            query,
            body,
        };
        let created = SystemClock.now();
        let signed = http_sig::sign(&parts, &challenge, created, &self.account.device_key);
        Ok(signed.expect("a signature"))
    }

    async fn challenge_at(&self, door: u16, r: Realm, s: &str) -> Result<String, Trouble> {
        let body = cbor::encode(&ChallengeRequest { r, s: s.to_owned() });
        let url = url("http", door, paths::CHALLENGES);
        let request = self.http.post(url).header("content-type", CONTENT_TYPE);
        let answer = answered(request.body(body)).await?;
        decoded::<ChallengeResponse>(&answer).map(|it| it.c)
    }
}

/// The next event of a socket; nothing once it is closed or broken, or silent for too long.
pub async fn next_event(events: &mut Events, patience: Duration) -> Option<Event> {
    loop {
        let frame = tokio::time::timeout(patience, events.next()).await.ok()??;
        match frame.ok()? {
            Message::Binary(bytes) => return Event::decode(&bytes, MAX).ok(),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

fn url(scheme: &str, door: u16, path: &str) -> String {
    format!("{scheme}://127.0.0.1:{door}{path}")
}

async fn answered(request: reqwest::RequestBuilder) -> Result<Vec<u8>, Trouble> {
    let answer = request.send().await.map_err(|_| Trouble::Broken)?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(|_| Trouble::Broken)?;
    if status.is_success() {
        Ok(body.to_vec())
    } else {
        Err(Trouble::Status(status.as_u16()))
    }
}

fn decoded<T: Serialize + DeserializeOwned>(answer: &[u8]) -> Result<T, Trouble> {
    cbor::decode(answer, MAX).map_err(|_| Trouble::Broken)
}
