//! The WebSocket of deliveries (docs/protocol.md §4.7), opened with a signed request.
//!
//! Everything but the opening of the connection is here; that is behind [`Upgrade`], so that a
//! simulation can stand in for the network.

mod web;

use super::{Call, Purpose, RelayError, Relays, is_about_challenge, successful};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sotto_identity::http::{HttpError, Response};
use sotto_wire::challenge::{NEXT_CHALLENGE, Realm};
use sotto_wire::domain::Domain;
use sotto_wire::first_contact::MAX_ENVELOPE;
use sotto_wire::http_sig;
use sotto_wire::random::{self, Random};
use sotto_wire::relay_api::paths;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use url::Url;
use web::Web;

/// An open event socket.
pub(crate) type Socket = WebSocketStream<Box<dyn Duplex>>;

/// A connection that nobody else uses any more.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Opens connections that stop being HTTP.
#[async_trait]
pub trait Upgrade: Send + Sync {
    /// Sends a GET request with these headers. The connection comes with the answer where that is
    /// 101, and is closed otherwise.
    ///
    /// # Errors
    /// [`HttpError`]; an answer with an error status is not an error here.
    async fn upgrade(
        &self,
        url: Url,
        headers: Vec<(&'static str, String)>,
    ) -> Result<(Response, Option<Box<dyn Duplex>>), HttpError>;
}

/// From the first packet to the open socket.
const PATIENCE: Duration = Duration::from_secs(20);
/// A delivery is an envelope at most, and a little around it.
const MAX_EVENT: usize = MAX_ENVELOPE + 4096;

/// Opens event sockets.
#[derive(Clone)]
pub(crate) struct Sockets {
    upgrade: Arc<dyn Upgrade>,
}

impl Sockets {
    /// Over the real network. Fails where TLS cannot be set up.
    pub(crate) fn new(development: bool) -> Result<Self, reqwest::Error> {
        Ok(Self::over(Arc::new(Web::new(development)?)))
    }

    /// Over any way to open connections.
    pub(crate) fn over(upgrade: Arc<dyn Upgrade>) -> Self {
        Self { upgrade }
    }

    /// Opens the event socket of this device at its relay.
    pub(crate) async fn open(
        &self,
        relays: &Relays,
        domain: &Domain,
        random: &dyn Random,
    ) -> Result<Socket, RelayError> {
        let subject = relays.thumbprint();
        let purpose = Purpose {
            domain: domain.clone(),
            realm: Realm::Device,
            subject,
        };
        let key = STANDARD.encode(random::array::<16>(random));
        let opening = async {
            match self.upgrade(relays, &purpose, &key).await? {
                Err(refusal) if is_about_challenge(&refusal) => {
                    relays.0.challenges.forget(&purpose);
                    self.upgrade(relays, &purpose, &key).await
                }
                outcome => Ok(outcome),
            }
        };
        match tokio::time::timeout(PATIENCE, opening).await {
            Ok(Ok(Ok(socket))) => Ok(socket),
            Ok(Ok(Err(refusal))) => Err(successful(refusal)
                .err()
                .unwrap_or(RelayError::NotARelay("it does not open a socket"))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(RelayError::Unreachable),
        }
    }

    /// The socket, or the answer that was given instead.
    async fn upgrade(
        &self,
        relays: &Relays,
        purpose: &Purpose,
        key: &str,
    ) -> Result<Result<Socket, Response>, RelayError> {
        let challenge = relays.challenge(purpose).await?;
        let call = Call::get(&purpose.domain, paths::EVENTS);
        let url = relays.url(&purpose.domain, paths::EVENTS)?;
        let signed = relays.sign(&call, &url, &challenge)?;
        let headers = vec![
            ("connection", "Upgrade".to_owned()),
            ("upgrade", "websocket".to_owned()),
            ("sec-websocket-version", "13".to_owned()),
            ("sec-websocket-key", key.to_owned()),
            (http_sig::SIGNATURE_INPUT, signed.signature_input),
            (http_sig::SIGNATURE, signed.signature),
        ];
        let (answer, stream) = self.upgrade.upgrade(url, headers).await?;
        relays.note_time(&answer);
        if answer.header(NEXT_CHALLENGE).is_some() {
            relays.keep_next(purpose, &answer);
        }
        let (101, Some(stream)) = (answer.status, stream) else {
            return Ok(Err(answer));
        };
        let expected = derive_accept_key(key.as_bytes());
        if answer.header("sec-websocket-accept") != Some(expected.as_str()) {
            return Err(RelayError::NotARelay("its WebSocket handshake is wrong"));
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_EVENT))
            .max_frame_size(Some(MAX_EVENT));
        let socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(config));
        Ok(Ok(socket.await))
    }
}
