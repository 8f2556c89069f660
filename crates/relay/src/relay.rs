//! Starting a relay and ending it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sotto_identity::{Endpoints, Network};
use sotto_wire::domain::Domain;
use sotto_wire::random::{self, Random};
use sotto_wire::time::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::accounts::{Accounts, NetworkAccounts};
use crate::config::Config;
use crate::objects::Objects;
use crate::senders::Senders;
use crate::server::{self, Bounds};
use crate::state::{Parts, State};
use crate::store::{Notices, Store, StoreError, journal as entries, secrets};
use crate::tls::{Encryption, TlsError};
use crate::{journal, neighbours, routes, sweep, watch};

/// How long exchanges and sockets may take to finish once the relay is told to end.
const TASKS: Duration = Duration::from_secs(5);

/// Why a relay did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The database cannot be opened or brought up to date.
    #[error("cannot open the database: {0}")]
    Database(String),
    /// The folder of attachments cannot be used.
    #[error("cannot use the folder of attachments: {0}")]
    Attachments(std::io::Error),
    /// The network cannot be set up.
    #[error("cannot set up the network: {0}")]
    Network(String),
    /// TLS cannot be offered.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is no domain, and the bound address is none.
    #[error("the relay has no discovery domain")]
    NoDomain,
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Database(error.to_string())
    }
}

/// The discovery-domain server.
#[derive(Debug)]
pub struct Relay;

/// A relay at work. Dropping it without [`shutdown`](RunningRelay::shutdown) leaves its tasks to
/// the runtime; the database survives that like a crash.
pub struct RunningRelay {
    addr: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
    workers: Vec<JoinHandle<()>>,
    /// Whether journaled puts are worked off here.
    journal: JournalWorker,
    metrics: Option<SocketAddr>,
}

impl std::fmt::Debug for RunningRelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningRelay")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl Relay {
    /// Opens the database, listens, and serves in tasks of the current runtime.
    ///
    /// # Errors
    /// [`StartError`], before anything is served.
    pub async fn start(
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<RunningRelay, StartError> {
        let network = Network::new(Endpoints {
            plc: config.plc_url.clone(),
            handle_resolver: config.handle_resolver.clone(),
            // A relay never asks for suggestions; the directory stands in for a URL.
            appview: config.plc_url.clone(),
            development: config.development,
        })
        .map_err(|error| StartError::Network(error.to_string()))?;
        let accounts = Arc::new(NetworkAccounts::new(network));
        start(config, clock, random, accounts, JournalWorker::Running).await
    }
}

/// Whether journaled puts are worked off. Tests leave them, as a crash would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JournalWorker {
    /// They are.
    Running,
    /// They stay in the journal.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only a test withholds the worker")
    )]
    Withheld,
}

/// Starts a relay over any [`Accounts`].
pub(crate) async fn start(
    config: Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    accounts: Arc<dyn Accounts>,
    journal_worker: JournalWorker,
) -> Result<RunningRelay, StartError> {
    let (listener, addr) = listen(config.listen).await?;
    let metrics_listener = match config.metrics {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    let domain = match &config.domain {
        Some(domain) => domain.clone(),
        None => Domain::parse(&addr.to_string()).map_err(|_| StartError::NoDomain)?,
    };

    let tls = config.tls.clone();
    let encryption = Encryption::new(&tls, &domain)?;
    let store = match &config.server {
        None => Store::open(&config.data)?,
        Some(url) => {
            let origin = u64::from_be_bytes(random::array(random.as_ref()));
            Store::on_server(url.reveal().to_owned(), origin).await?
        }
    };
    let state = state(config, domain, store, clock, random, accounts).await?;
    let server = tokio::spawn(server::serve(
        listener,
        encryption.clone(),
        routes::router(Arc::clone(&state)),
        bounds(&state),
        state.stopping.clone(),
    ));
    let mut workers = vec![
        tokio::spawn(sweep::run(Arc::clone(&state))),
        tokio::spawn(watch::run(Arc::clone(&state))),
    ];
    if let Some(heard) = state.store.notices().and_then(Notices::heard) {
        workers.push(tokio::spawn(neighbours::run(Arc::clone(&state), heard)));
    }
    let expiry = encryption.as_ref().map(|it| Arc::clone(&it.certificate));
    let metrics = metrics_listener.map(|(listener, address)| {
        let router = routes::operator(Arc::clone(&state), expiry);
        let bounds = bounds(&state).few();
        let stopping = state.stopping.clone();
        workers.push(tokio::spawn(server::serve(
            listener, None, router, bounds, stopping,
        )));
        address
    });
    if let Some(encryption) = encryption {
        let (domain, clock) = (state.domain.clone(), Arc::clone(&state.clock));
        let renewing = encryption.renew(tls, domain, clock, state.stopping.clone());
        workers.push(tokio::spawn(renewing));
    }
    if journal_worker == JournalWorker::Running {
        workers.push(tokio::spawn(journal::run(Arc::clone(&state))));
    }
    Ok(RunningRelay {
        addr,
        state,
        server,
        workers,
        journal: journal_worker,
        metrics,
    })
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |reason| StartError::Listen { address, reason };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}

/// The relay's state over an open database.
pub(crate) async fn state(
    config: Config,
    domain: Domain,
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    accounts: Arc<dyn Accounts>,
) -> Result<Arc<State>, StartError> {
    let fresh = random::array(random.as_ref());
    let secret = store
        .write(move |sql| secrets::load_or_store(sql, "challenge", fresh))
        .await?;
    let journaled = store.read(entries::count).await?;
    let objects = objects(&config, &store).await?;
    let senders = Senders::new(
        accounts,
        Arc::clone(&clock),
        config.limits.concurrent_verifications,
        Duration::from_secs(config.limits.verification_timeout),
    );
    let parts = Parts {
        config,
        domain,
        store,
        objects,
        secret,
        journaled,
        senders,
        clock,
        random,
    };
    Ok(Arc::new(State::new(parts)))
}

/// The folder of attachments, rid of what a crash left without a row.
async fn objects(config: &Config, store: &Store) -> Result<Arc<Objects>, StartError> {
    let shared = store.notices().map(Notices::origin);
    let objects = Objects::open(config.attachments(), shared).map_err(StartError::Attachments)?;
    let objects = Arc::new(objects);
    if shared.is_some() {
        // Another process may be writing a file whose row is still to come.
        return Ok(objects);
    }
    let folder = Arc::clone(&objects);
    let removed = store.read(move |sql| folder.remove_orphans(sql)).await?;
    removed.map_err(StartError::Attachments)?;
    Ok(objects)
}

fn bounds(state: &State) -> Bounds {
    Bounds {
        connections: usize::try_from(state.limits.max_connections).unwrap_or(usize::MAX),
        head: Duration::from_secs(state.limits.request_timeout),
    }
}

impl RunningRelay {
    /// Address that is listened on; the port is the real one where 0 was configured.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Address at which metrics are served, where they are.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// The discovery domain that is served.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.state.domain
    }

    /// Cancelled when the relay is told to end, by whomever.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.state.stopping.clone()
    }

    /// Ends in order: not ready any more; after the time of the setting `drain` no new connections;
    /// sockets closed, each with another time after which to come back (§4.7); open exchanges, the
    /// workers and the journal finished; everything accepted on disk. Takes half a minute at most
    /// beyond `drain`.
    pub async fn shutdown(self) {
        self.state.draining.store(true, Ordering::Release);
        tokio::time::sleep(Duration::from_secs(self.state.limits.drain)).await;
        self.state.stopping.cancel();
        let _ = self.server.await;
        self.state.tasks.close();
        if tokio::time::timeout(TASKS, self.state.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("exchanges or sockets were still open after the grace period");
        }
        for worker in self.workers {
            let _ = worker.await;
        }
        if self.journal == JournalWorker::Running
            && tokio::time::timeout(TASKS, journal::finish(&self.state))
                .await
                .is_err()
        {
            tracing::warn!("the journal goes on being worked off at the next start");
        }
        self.state.store.close().await;
    }

    /// What a test wants to look into.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }
}
