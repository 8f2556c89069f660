//! The network between the machines: as slow, as lossy and as torn as the plan of the run says.
//!
//! Requests to relays go to their real routes, event sockets to their real WebSocket code over pipes
//! in memory. Everything else is answered by the double of the accounts' hosts ([`crate::pds`]).

use crate::chance::Chance;
use crate::link;
use crate::log::Log;
use crate::pds::Pds;
use crate::plan::Weather;
use crate::power::Power;
use crate::seals::Seals;
use async_trait::async_trait;
use axum::body::Body;
use axum::http;
use sha2::{Digest as _, Sha256};
use sotto_core::app::{Duplex, Upgrade};
use sotto_identity::http::{Http, HttpError, Method, Request, Response};
use sotto_relay::SimulatedRelay;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use url::Url;

/// A relay that runs.
#[derive(Clone)]
pub struct Up {
    /// The relay.
    pub relay: Arc<SimulatedRelay>,
    /// Of its machine.
    pub power: Arc<Power>,
    /// Ends its connections.
    pub connections: CancellationToken,
}

/// The one network of a run.
pub struct Net {
    /// The accounts' hosts.
    pub pds: Arc<Pds>,
    /// What happened.
    pub log: Arc<Log>,
    weather: Weather,
    chance: Chance,
    /// Whether the weather has become fine.
    calm: AtomicBool,
    relays: Mutex<BTreeMap<String, Up>>,
    cut_off: Mutex<BTreeSet<String>>,
    carried: Mutex<Sha256>,
    seals: Seals,
    /// Whether a nonce has sealed two frames.
    nonces_reused: AtomicBool,
}

/// What becomes of one exchange.
struct Fate {
    there: Duration,
    back: Duration,
    request_lost: bool,
    answer_lost: bool,
    twice: Option<Duration>,
    stale: bool,
}

impl Net {
    /// A network with this weather.
    pub fn new(seed: u64, weather: Weather, log: &Arc<Log>) -> Arc<Self> {
        Arc::new(Self {
            pds: Arc::default(),
            log: Arc::clone(log),
            weather,
            chance: Chance::new(seed, "network"),
            calm: AtomicBool::new(false),
            relays: Mutex::default(),
            cut_off: Mutex::default(),
            carried: Mutex::default(),
            seals: Seals::default(),
            nonces_reused: AtomicBool::new(false),
        })
    }

    /// From now on everything arrives, once and soon.
    pub fn calm_down(&self) {
        self.calm.store(true, Ordering::Relaxed);
        lock(&self.cut_off).clear();
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// Nothing reaches `who`, or comes from there.
    pub fn cut_off(&self, who: &str) {
        if !self.is_calm() {
            lock(&self.cut_off).insert(who.to_owned());
        }
    }

    /// It is reached again.
    pub fn reach(&self, who: &str) {
        lock(&self.cut_off).remove(who);
    }

    pub(crate) fn are_apart(&self, one: &str, other: &str) -> bool {
        let cut_off = lock(&self.cut_off);
        cut_off.contains(one) || cut_off.contains(other)
    }

    /// A relay begins to serve a host.
    pub fn serve(&self, host: &str, up: Up) {
        lock(&self.relays).insert(host.to_owned(), up);
    }

    /// Nothing is served there any more.
    pub fn unserve(&self, host: &str) {
        if let Some(up) = lock(&self.relays).remove(host) {
            up.connections.cancel();
            up.relay.cut();
        }
    }

    /// A digest of every byte that was carried: the same for the same seed.
    pub fn carried(&self) -> String {
        hex::encode(lock(&self.carried).clone().finalize())
    }

    /// Whether one nonce has sealed two frames for the same grant.
    pub fn nonces_reused(&self) -> bool {
        self.nonces_reused.load(Ordering::Relaxed)
    }

    pub(crate) fn carry(&self, bytes: &[u8]) {
        lock(&self.carried).update(bytes);
    }

    fn up(&self, host: &str) -> Option<Up> {
        lock(&self.relays).get(host).cloned()
    }

    pub(crate) fn delay(&self) -> Duration {
        let longest = if self.is_calm() {
            40
        } else {
            self.weather.delay_ms
        };
        Duration::from_millis(self.chance.between(1, longest.max(1)))
    }

    /// How long a connection lives, where that is not for ever.
    pub(crate) fn life(&self) -> Option<Duration> {
        let torn = !self.is_calm() && self.chance.per_mille(self.weather.torn);
        torn.then(|| Duration::from_millis(self.chance.between(1, 120_000)))
    }

    fn fate(&self) -> Fate {
        let (weather, calm) = (&self.weather, self.is_calm());
        let happens = |share| !calm && self.chance.per_mille(share);
        Fate {
            there: self.delay(),
            back: self.delay(),
            request_lost: happens(weather.lost),
            answer_lost: happens(weather.lost),
            twice: happens(weather.twice).then(|| self.delay() * 3),
            stale: happens(weather.stale),
        }
    }

    /// Brings a request to where it goes, and the answer back, without any harm.
    async fn exchange(
        &self,
        from: IpAddr,
        request: &Request,
        stale: bool,
    ) -> Result<Response, HttpError> {
        let host = request.url.host_str().unwrap_or_default();
        self.carry(request.url.as_str().as_bytes());
        self.carry(&request.body);
        if !self.seals.note(&request.url, &request.body) {
            self.nonces_reused.store(true, Ordering::Relaxed);
        }
        let answer = if host.starts_with("relay-") {
            let up = self.up(host).ok_or(HttpError::Unreachable)?;
            let answer = ask(&up.relay, from, request).await;
            if !up.power.is_on() {
                return Err(HttpError::Unreachable);
            }
            answer?
        } else {
            self.pds.answer(&request.url, stale)
        };
        self.carry(&answer.body);
        Ok(answer)
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn ask(
    relay: &SimulatedRelay,
    from: IpAddr,
    request: &Request,
) -> Result<Response, HttpError> {
    let unusable = |_| HttpError::Unavailable;
    let target = match request.url.query() {
        Some(query) => format!("{}?{query}", request.url.path()),
        None => request.url.path().to_owned(),
    };
    let mut built = http::Request::builder()
        .method(method(request.method))
        .uri(target);
    for (name, value) in &request.headers {
        built = built.header(*name, value);
    }
    let body = Body::from(request.body.clone());
    let answer = relay
        .answer(from, built.body(body).map_err(unusable)?)
        .await;
    let (head, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await;
    Ok(Response {
        status: head.status.as_u16(),
        headers: readable(&head.headers),
        body: body.map_err(|_| HttpError::Unreachable)?.to_vec(),
    })
}

pub(crate) fn readable(headers: &http::HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    }
}

/// The network card of one machine, as long as that has power.
#[derive(Clone)]
pub struct Card {
    /// What it is plugged into.
    pub net: Arc<Net>,
    /// Whose it is.
    pub name: String,
    /// The last byte of its address.
    pub number: u8,
    /// Of its machine.
    pub power: Arc<Power>,
}

impl Card {
    fn address(&self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(10, 0, 0, self.number))
    }

    async fn attempt(&self, request: &Request, fate: &Fate) -> Result<Response, HttpError> {
        let host = request.url.host_str().unwrap_or_default();
        tokio::time::sleep(fate.there).await;
        if fate.request_lost || self.net.are_apart(&self.name, host) {
            return std::future::pending().await;
        }
        if let Some(later) = fate.twice {
            self.once_more(request, later);
        }
        let answer = self
            .net
            .exchange(self.address(), request, fate.stale)
            .await?;
        tokio::time::sleep(fate.back).await;
        if fate.answer_lost || self.net.are_apart(&self.name, host) {
            return std::future::pending().await;
        }
        Ok(answer)
    }

    /// The same request arrives a second time, and nobody waits for the answer.
    fn once_more(&self, request: &Request, later: Duration) {
        let (card, request) = (self.clone(), request.clone());
        tokio::spawn(async move {
            tokio::time::sleep(later).await;
            let _ = card.net.exchange(card.address(), &request, false).await;
        });
    }
}

#[async_trait]
impl Http for Card {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        if !self.power.is_on() {
            return Err(HttpError::Unreachable);
        }
        let fate = self.net.fate();
        let attempt = self.attempt(&request, &fate);
        let answer = tokio::time::timeout(request.timeout, attempt).await;
        let answer = answer.map_err(|_| HttpError::Unreachable)??;
        if !self.power.is_on() {
            return Err(HttpError::Unreachable);
        }
        if answer.body.len() > request.max_body {
            return Err(HttpError::OutOfBounds);
        }
        Ok(answer)
    }
}

#[async_trait]
impl Upgrade for Card {
    async fn upgrade(
        &self,
        url: Url,
        headers: Vec<(&'static str, String)>,
    ) -> Result<(Response, Option<Box<dyn Duplex>>), HttpError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let fate = self.net.fate();
        tokio::time::sleep(fate.there + fate.back).await;
        let apart = self.net.are_apart(&self.name, &host);
        if apart || fate.request_lost || !self.power.is_on() {
            return Err(HttpError::Unreachable);
        }
        let up = self.net.up(&host).ok_or(HttpError::Unreachable)?;
        link::open(self, &host, &up, self.address(), url.path(), headers).await
    }
}
