//! Accepting connections, within bounds: how many, and how long a client may take for the head of a
//! request. HTTP/1.1, over TLS where the relay has the certificate itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::metrics;
use crate::tls::Encryption;

/// How long connections may take to finish once the relay is told to end.
const GRACE: Duration = Duration::from_secs(10);

/// Address of the other end, for rate limits only; never logged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) std::net::SocketAddr);

/// Bounds on connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Open connections.
    pub(crate) connections: usize,
    /// For the head of a request, also while a connection is idle.
    pub(crate) head: Duration,
}

impl Bounds {
    /// For those who look after the relay.
    pub(crate) fn few(self) -> Self {
        Self {
            connections: 16,
            ..self
        }
    }
}

/// Serves `router` until `stopping`, then waits for the open exchanges, but not for long.
pub(crate) async fn serve(
    listener: TcpListener,
    encryption: Option<Encryption>,
    router: Router,
    bounds: Bounds,
    stopping: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(
        bounds.connections.min(Semaphore::MAX_PERMITS),
    ));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, peer, permit)) = accepted else {
            continue;
        };
        let router = router.clone();
        let encryption = encryption.clone();
        let stopping = stopping.clone();
        connections.spawn(async move {
            let _open = (permit, metrics::Connection::open());
            // Deliveries are small and wanted now.
            let _ = stream.set_nodelay(true);
            let Some(encryption) = encryption else {
                return exchange(stream, peer, router, bounds.head, stopping).await;
            };
            if let Some(stream) = encryption.accept(stream, bounds.head).await {
                exchange(stream, peer, router, bounds.head, stopping).await;
            }
        });
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
) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
    // Before accepting: above the bound, clients wait in the kernel's backlog.
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, Peer(peer), permit)),
        Err(error) => {
            tracing::warn!(reason = %error.kind(), "a connection was not accepted");
            // Out of file descriptors, mostly; trying at once would spin.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// Serves what comes over one connection, of whatever kind.
pub(crate) async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: Peer,
    router: Router,
    head: Duration,
    stopping: CancellationToken,
) {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.clone().oneshot(request.map(Body::new))
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(served);
    let stop = async {
        stopping.cancelled().await;
    };
    tokio::select! {
        // How a connection ended says nothing that anyone would act on.
        _ = served.as_mut() => return,
        () = stop => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}
