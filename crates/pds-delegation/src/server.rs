//! Accepting connections, within bounds: how many, and how long a client may take for the head of a
//! request. HTTP/1.1 without TLS; a reverse proxy has the certificates.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// How long connections may take to finish once the service is told to end.
const GRACE: Duration = Duration::from_secs(10);

/// The connection that a request came by.
#[derive(Clone)]
pub(crate) struct Connection {
    /// Address of the other end, for the PDS's rate limits only; never logged.
    pub(crate) peer: SocketAddr,
    /// Counts the connection as open for as long as somebody holds it: one that was upgraded
    /// outlives its HTTP.
    pub(crate) open: Arc<OwnedSemaphorePermit>,
}

/// Bounds on connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Open connections.
    pub(crate) connections: usize,
    /// For the head of a request, also while a connection is idle.
    pub(crate) head: Duration,
}

/// Serves `router` until `stopping`, then waits for the open exchanges, but not for long.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    stopping: CancellationToken,
) {
    let most = bounds.connections.min(Semaphore::MAX_PERMITS);
    let permits = Arc::new(Semaphore::new(most));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        if let Some((stream, connection)) = accepted {
            let (router, stopping) = (router.clone(), stopping.clone());
            connections.spawn(exchanges(stream, connection, router, bounds.head, stopping));
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(GRACE, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!("connections were still open after the grace period");
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, Connection)> {
    // Before accepting: above the bound, clients wait in the kernel's backlog.
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            let open = Arc::new(permit);
            Some((stream, Connection { peer, open }))
        }
        Err(error) => {
            tracing::warn!(reason = %error.kind(), "a connection was not accepted");
            // Out of file descriptors, mostly; trying at once would spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn exchanges(
    stream: TcpStream,
    connection: Connection,
    router: Router,
    head: Duration,
    stopping: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(served);
    tokio::select! {
        // How a connection ended says nothing that anyone would act on.
        _ = served.as_mut() => return,
        () = stopping.cancelled() => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}
