//! An event socket's connection: a pipe that delays, stalls and breaks.

use crate::net::{Card, Up, readable};
use axum::body::Body;
use axum::http;
use hyper_util::rt::TokioIo;
use sotto_core::app::Duplex;
use sotto_identity::http::{HttpError, Response};
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio_util::sync::CancellationToken;

const BUFFER: usize = 64 * 1024;
/// How often a stalled connection looks whether it goes on.
const LOOK: Duration = Duration::from_secs(1);

/// Opens one.
pub(crate) async fn open(
    card: &Card,
    host: &str,
    up: &Up,
    from: IpAddr,
    path: &str,
    headers: Vec<(&'static str, String)>,
) -> Result<(Response, Option<Box<dyn Duplex>>), HttpError> {
    let gone = |_| HttpError::Unreachable;
    let stream = TokioIo::new(up.relay.connect(from));
    let handshake = hyper::client::conn::http1::handshake(stream).await;
    let (mut sender, connection) = handshake.map_err(gone)?;
    let ends = up.connections.clone();
    tokio::spawn(ends.run_until_cancelled_owned(connection.with_upgrades()));
    let mut request = http::Request::get(path).header("host", host);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Body::empty());
    let request = request.map_err(|_| HttpError::Unavailable)?;
    let answer = sender.send_request(request).await.map_err(gone)?;
    let mut head = Response {
        status: answer.status().as_u16(),
        headers: readable(answer.headers()),
        body: Vec::new(),
    };
    if head.status != 101 {
        let body = axum::body::to_bytes(Body::new(answer.into_body()), BUFFER).await;
        head.body = body.map_err(|_| HttpError::Unreachable)?.to_vec();
        return Ok((head, None));
    }
    let far = TokioIo::new(hyper::upgrade::on(answer).await.map_err(gone)?);
    let (near, ours) = tokio::io::duplex(BUFFER);
    tokio::spawn(carry(card.clone(), host.to_owned(), up.clone(), ours, far));
    Ok((head, Some(Box::new(near))))
}

/// Carries bytes both ways until one side ends, the power fails or the connection breaks.
async fn carry<F>(card: Card, host: String, up: Up, near: DuplexStream, far: F)
where
    F: AsyncRead + AsyncWrite + Send + 'static,
{
    let (near_read, near_write) = tokio::io::split(near);
    let (far_read, far_write) = tokio::io::split(far);
    let life = card.net.life();
    let broken = async {
        match life {
            Some(life) => tokio::time::sleep(life).await,
            None => std::future::pending().await,
        }
    };
    let ends: CancellationToken = up.connections.clone();
    tokio::select! {
        biased;
        () = ends.cancelled() => {}
        () = broken => {}
        () = one_way(&card, &host, near_read, far_write, false) => {}
        () = one_way(&card, &host, far_read, near_write, true) => {}
    }
}

async fn one_way(
    card: &Card,
    host: &str,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    noted: bool,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(n) = from.read(&mut buffer).await else {
            return;
        };
        let Some(bytes) = buffer.get(..n).filter(|it| !it.is_empty()) else {
            return;
        };
        // What a client sends is masked with random bytes of the WebSocket library.
        if noted {
            card.net.carry(bytes);
        }
        tokio::time::sleep(card.net.delay()).await;
        while card.net.are_apart(&card.name, host) {
            tokio::time::sleep(LOOK).await;
        }
        if !card.power.is_on() || to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
