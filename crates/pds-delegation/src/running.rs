//! Starting the service and ending it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sotto_identity::{Endpoints, Network};
use sotto_wire::time::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::routes;
use crate::server::{self, Bounds};
use crate::state::State;

/// How long calls and tunnels may take to finish once the service is told to end.
const TASKS: Duration = Duration::from_secs(30);

/// Why the service did not start.
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
    /// The network cannot be set up.
    #[error("cannot set up the network: {0}")]
    Network(String),
}

/// The PDS API beside a PDS.
#[derive(Debug)]
pub struct PdsDelegation;

/// The service at work.
pub struct RunningPdsDelegation {
    addr: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

impl std::fmt::Debug for RunningPdsDelegation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningPdsDelegation")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl PdsDelegation {
    /// Listens, and serves in tasks of the current runtime. The PDS need not be up.
    ///
    /// # Errors
    /// [`StartError`], before anything is served.
    pub async fn start(
        config: Config,
        clock: Arc<dyn Clock>,
    ) -> Result<RunningPdsDelegation, StartError> {
        let network = Network::new(Endpoints {
            plc: config.plc_url.clone(),
            handle_resolver: None,
            // Nobody is suggested here; the directory stands in for a URL.
            appview: config.plc_url.clone(),
            development: config.development,
        })
        .map_err(|error| StartError::Network(error.to_string()))?;
        let address = config.listen;
        let refused = |reason| StartError::Listen { address, reason };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let addr = listener.local_addr().map_err(refused)?;
        let bounds = Bounds {
            connections: usize::try_from(config.limits.max_connections).unwrap_or(usize::MAX),
            head: Duration::from_secs(config.limits.request_timeout),
        };
        let state = Arc::new(State::new(config, network, clock));
        let router = routes::router(Arc::clone(&state));
        let stopping = state.stopping.clone();
        let server = tokio::spawn(server::serve(listener, router, bounds, stopping));
        Ok(RunningPdsDelegation {
            addr,
            state,
            server,
        })
    }
}

impl RunningPdsDelegation {
    /// Address that is listened on; the port is the real one where 0 was configured.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Ends in order: no new connections, WebSockets cut, open exchanges finished, and every change
    /// that was begun brought to its end.
    pub async fn shutdown(self) {
        self.state.stopping.cancel();
        let _ = self.server.await;
        self.state.tasks.close();
        if tokio::time::timeout(TASKS, self.state.tasks.wait())
            .await
            .is_err()
        {
            tracing::error!("changes were still under way after the grace period");
        }
    }
}
