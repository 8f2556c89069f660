//! A relay without sockets and threads, for `crates/simulation`: its routes, its logic and its
//! database are the real ones.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use axum::middleware;
use sotto_identity::http::Http;
use sotto_identity::{Endpoints, Network};
use sotto_wire::domain::Domain;
use sotto_wire::random::Random;
use sotto_wire::time::Clock;
use tokio::io::DuplexStream;
use tower::ServiceExt as _;

use crate::accounts::NetworkAccounts;
use crate::config::Config;
use crate::relay::StartError;
use crate::server::{self, Peer};
use crate::state::State;
use crate::store::{Store, Watch};
use crate::{journal, relay, routes, sweep};

/// What fits into a connection before the sender has to wait.
const BUFFER: usize = 64 * 1024;

/// A relay at work in tasks of the current runtime.
pub struct SimulatedRelay {
    state: Arc<State>,
    router: Router,
}

impl SimulatedRelay {
    /// Starts a relay that reaches others by `http`. It ends with [`SimulatedRelay::cut`].
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        config: Config,
        domain: Domain,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        http: Arc<dyn Http>,
        watch: Arc<dyn Watch>,
    ) -> Result<Self, StartError> {
        let endpoints = Endpoints {
            plc: config.plc_url.clone(),
            handle_resolver: config.handle_resolver.clone(),
            appview: config.plc_url.clone(),
            development: config.development,
        };
        let network = Network::with_http(endpoints, http);
        let accounts = Arc::new(NetworkAccounts::new(network));
        let store = Store::watched(&config.data, watch)?;
        let told = Arc::clone(&clock);
        let state = relay::state(config, domain, store, clock, random, accounts).await?;
        tokio::spawn(sweep::run(Arc::clone(&state)));
        tokio::spawn(journal::run(Arc::clone(&state)));
        let dated = middleware::map_response(move |answer| dated(Arc::clone(&told), answer));
        let router = routes::router(Arc::clone(&state)).layer(dated);
        Ok(Self { state, router })
    }

    /// Answers one request that comes from this address.
    pub async fn answer(&self, from: IpAddr, mut request: Request<Body>) -> Response<Body> {
        let peer = Peer(SocketAddr::new(from, 0));
        request.extensions_mut().insert(peer);
        let Ok(answer) = self.router.clone().oneshot(request).await;
        answer
    }

    /// A connection to it from this address.
    pub fn connect(&self, from: IpAddr) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(BUFFER);
        let peer = Peer(SocketAddr::new(from, 0));
        let head = Duration::from_secs(self.state.limits.request_timeout);
        let (router, stopping) = (self.router.clone(), self.state.stopping.clone());
        tokio::spawn(server::exchange(theirs, peer, router, head, stopping));
        ours
    }

    /// Ends its tasks. What its database does not hold is gone.
    pub fn cut(&self) {
        self.state.stopping.cancel();
    }
}

/// hyper would take the date from the operating system.
async fn dated(clock: Arc<dyn Clock>, mut answer: Response<Body>) -> Response<Body> {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(clock.now_ms());
    if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(at)) {
        answer.headers_mut().insert(header::DATE, date);
    }
    answer
}
