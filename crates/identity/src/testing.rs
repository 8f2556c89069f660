//! Stand-ins for the network and for a PDS, for the tests of this crate.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use url::Url;

use crate::handle::ResolveError;
use crate::handle::dns::TxtLookup;
use crate::http::{Http, HttpError, Method, Request, Response};
use crate::network::{Endpoints, Network};

pub(crate) mod plc;
mod repo;
mod signer;

pub(crate) use repo::{TestRepo, car, cid_of, section};
pub(crate) use signer::RepoSigner;

/// Endpoints under `.example`, outside development.
pub(crate) fn endpoints() -> Endpoints {
    Endpoints {
        plc: Url::parse("https://plc.example").unwrap(),
        handle_resolver: None,
        appview: Url::parse("https://appview.example").unwrap(),
        development: false,
    }
}

/// A network that knows some answers by URL; every other host is down.
#[derive(Clone, Default)]
pub(crate) struct FakeNet(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: HashMap<String, (u16, Vec<u8>)>,
    txt: HashMap<String, Vec<String>>,
    dns_down: bool,
    posts: HashMap<String, VecDeque<Response>>,
    posted: Vec<Request>,
}

impl FakeNet {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Answers GET requests for `url`.
    pub(crate) fn answer(self, url: &str, status: u16, body: impl Into<Vec<u8>>) -> Self {
        self.0
            .lock()
            .unwrap()
            .answers
            .insert(url.to_owned(), (status, body.into()));
        self
    }

    /// Answers the next POST to `url`; several queue up.
    pub(crate) fn post(self, url: &str, status: u16, body: impl Into<Vec<u8>>) -> Self {
        self.post_with(url, status, Vec::new(), body)
    }

    pub(crate) fn post_with(
        self,
        url: &str,
        status: u16,
        headers: Vec<(String, String)>,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        let response = Response {
            status,
            headers,
            body: body.into(),
        };
        self.0
            .lock()
            .unwrap()
            .posts
            .entry(url.to_owned())
            .or_default()
            .push_back(response);
        self
    }

    /// The POSTs so far.
    pub(crate) fn posted(&self) -> Vec<Request> {
        self.0.lock().unwrap().posted.clone()
    }

    pub(crate) fn txt(self, name: &str, texts: &[&str]) -> Self {
        let texts = texts.iter().map(|&text| text.to_owned()).collect();
        self.0.lock().unwrap().txt.insert(name.to_owned(), texts);
        self
    }

    pub(crate) fn no_dns(self) -> Self {
        self.0.lock().unwrap().dns_down = true;
        self
    }

    pub(crate) fn network(self, endpoints: Endpoints) -> Network {
        let mut network = Network::with_http(endpoints, Arc::new(self.clone()));
        network.txt = Arc::new(self);
        network
    }
}

#[async_trait]
impl Http for FakeNet {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        // Another task may run between question and answer, as on a real network.
        tokio::task::yield_now().await;
        let mut state = self.0.lock().unwrap();
        if request.method == Method::Post {
            state.posted.push(request.clone());
            let queue = state.posts.get_mut(request.url.as_str());
            return queue
                .and_then(VecDeque::pop_front)
                .ok_or(HttpError::Unreachable);
        }
        let (status, body) = state
            .answers
            .get(request.url.as_str())
            .ok_or(HttpError::Unreachable)?
            .clone();
        if body.len() > request.max_body {
            return Err(HttpError::OutOfBounds);
        }
        Ok(Response {
            status,
            headers: Vec::new(),
            body,
        })
    }
}

#[async_trait]
impl TxtLookup for FakeNet {
    async fn lookup(&self, name: &str) -> Result<Vec<String>, ResolveError> {
        let state = self.0.lock().unwrap();
        if state.dns_down {
            return Err(ResolveError::Unreachable);
        }
        state.txt.get(name).cloned().ok_or(ResolveError::Unknown)
    }
}
