//! A device's event socket.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use sotto_wire::domain::Domain;
use sotto_wire::http_sig;
use sotto_wire::relay_api::{Ack, Delivery, Event, paths};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::Done;
use crate::connection::Connection;
use crate::people::Device;

const MAX_EVENT: usize = 1 << 20;

/// An attached device.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Attaches: a challenge, then the upgrade of the same connection.
    pub(crate) async fn attach(
        device: &Device,
        number: usize,
        at: SocketAddr,
        domain: &Domain,
    ) -> Done<Self> {
        let mut connection = Connection::open(at, number, domain.as_str()).await?;
        let signed = device
            .sign(&mut connection, domain, ("GET", paths::EVENTS), None)
            .await?;
        let mut request = format!("ws://{domain}{}", paths::EVENTS).into_client_request()?;
        let headers = request.headers_mut();
        headers.insert(http_sig::SIGNATURE_INPUT, signed.signature_input.parse()?);
        headers.insert(http_sig::SIGNATURE, signed.signature.parse()?);
        // Small, as the sockets of this process are many.
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let stream = connection.into_stream();
        let upgraded =
            tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
        Ok(Self(upgraded.0))
    }

    /// Reads until the backlog is through; there should be none.
    pub(crate) async fn caught_up(&mut self) -> Done<()> {
        loop {
            match self.next().await? {
                Event::CaughtUp => return Ok(()),
                Event::Delivery(_) => return Err("a new mailbox is not empty".into()),
                _ => {}
            }
        }
    }

    async fn next(&mut self) -> Done<Event> {
        loop {
            match self.0.next().await.ok_or("a socket was closed")?? {
                Message::Binary(bytes) => return Ok(Event::decode(&bytes, MAX_EVENT)?),
                Message::Close(_) => return Err("a socket was closed".into()),
                _ => {}
            }
        }
    }

    /// Gives every delivery to `take` and acknowledges it; what has come in goes out together.
    pub(crate) async fn receive(mut self, mut take: impl FnMut(Delivery)) -> Done<()> {
        loop {
            let mut event = Some(self.next().await?);
            while let Some(Event::Delivery(delivery)) = event {
                let ack = Ack {
                    k: delivery.k.clone(),
                    id: delivery.id.clone(),
                };
                take(delivery);
                self.0
                    .feed(Message::binary(Event::Ack(ack).encode()))
                    .await?;
                event = match futures_util::FutureExt::now_or_never(self.next()) {
                    Some(next) => Some(next?),
                    None => None,
                };
            }
            self.0.flush().await?;
        }
    }

    /// Keeps it until the relay ends it.
    pub(crate) async fn idle(mut self) {
        while self.next().await.is_ok() {}
    }
}
