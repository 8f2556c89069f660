//! A client of the events socket.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use sotto_wire::challenge::Realm;
use sotto_wire::relay_api::{Ack, Delivery, Event, paths};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::people::Device;
use super::world::World;

/// A client's end of the socket.
pub(super) struct Socket(pub(super) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(super) async fn open(world: &World, device: &Device) -> Self {
        let subject = device.key.public().thumbprint().text();
        let challenge = world.challenge(Realm::Device, &subject).await;
        let headers = world.sign(&Method::GET, paths::EVENTS, None, &challenge, &device.key);
        let url = format!("ws://{}{}", world.relay.addr(), paths::EVENTS);
        let mut request = url.into_client_request().expect("request");
        for (name, value) in headers {
            let name: reqwest::header::HeaderName = name.parse().expect("name");
            request
                .headers_mut()
                .insert(name, value.parse().expect("value"));
        }
        let (socket, _) = tokio_tungstenite::connect_async(request)
            .await
            .expect("upgrade");
        Self(socket)
    }

    /// The next event within two seconds; `None` if there is none.
    pub(super) async fn next(&mut self) -> Option<Event> {
        self.next_within(Duration::from_secs(2)).await
    }

    pub(super) async fn next_within(&mut self, patience: Duration) -> Option<Event> {
        loop {
            let message = tokio::time::timeout(patience, self.0.next())
                .await
                .ok()??
                .ok()?;
            if let Message::Binary(bytes) = message {
                return Some(Event::decode(&bytes, 1 << 20).expect("event"));
            }
        }
    }

    /// The next event, which must be a delivery.
    pub(super) async fn delivery(&mut self) -> Delivery {
        match self.next().await {
            Some(Event::Delivery(delivery)) => delivery,
            other => panic!("expected a delivery, got {other:?}"),
        }
    }

    pub(super) async fn expect(&mut self, expected: &Event) {
        assert_eq!(self.next().await.as_ref(), Some(expected));
    }

    /// That nothing comes for a while.
    pub(super) async fn silent(&mut self) {
        let event = self.next_within(Duration::from_millis(200)).await;
        assert!(event.is_none(), "{event:?}");
    }

    pub(super) async fn ack(&mut self, delivery: &Delivery) {
        let ack = Event::Ack(Ack {
            k: delivery.k.clone(),
            id: delivery.id.clone(),
        });
        self.0
            .send(Message::Binary(ack.encode().into()))
            .await
            .expect("ack");
    }

    /// The code the relay closes with.
    pub(super) async fn closed(&mut self) -> CloseCode {
        self.close_frame().await.code
    }

    /// What the relay closes with.
    pub(super) async fn close_frame(&mut self) -> CloseFrame {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(2), self.0.next()).await;
            match next.expect("in time") {
                Some(Ok(Message::Close(Some(frame)))) => return frame,
                Some(Ok(_)) => {}
                other => panic!("no close frame: {other:?}"),
            }
        }
    }
}
