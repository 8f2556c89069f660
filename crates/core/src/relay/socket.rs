//! The WebSocket of deliveries (docs/protocol.md §4.7), opened with a signed request.
//!
//! It goes through the same HTTP client as everything else, which has TLS and proxies already.

use super::{Call, Purpose, RelayError, Relays, is_about_challenge, successful};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sotto_identity::http::Response;
use sotto_wire::challenge::{NEXT_CHALLENGE, Realm};
use sotto_wire::domain::Domain;
use sotto_wire::first_contact::MAX_ENVELOPE;
use sotto_wire::http_sig;
use sotto_wire::random::{self, Random};
use sotto_wire::relay_api::{MAX_SMALL_BODY, paths};
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// An open event socket.
pub(crate) type Socket = WebSocketStream<reqwest::Upgraded>;

/// From the first packet to the open socket.
const PATIENCE: Duration = Duration::from_secs(20);
/// A delivery is an envelope at most, and a little around it.
const MAX_EVENT: usize = MAX_ENVELOPE + 4096;

/// Opens event sockets.
#[derive(Clone)]
pub(crate) struct Sockets {
    client: reqwest::Client,
}

impl Sockets {
    /// Fails where TLS cannot be set up.
    pub(crate) fn new(development: bool) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("sotto/", env!("CARGO_PKG_VERSION")));
        let builder = if development {
            builder.no_proxy()
        } else {
            builder
        };
        Ok(Self {
            client: builder.build()?,
        })
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
        let answer = self
            .client
            .get(url)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", key)
            .header(http_sig::SIGNATURE_INPUT, signed.signature_input)
            .header(http_sig::SIGNATURE, signed.signature)
            .send()
            .await
            .map_err(|_| RelayError::Unreachable)?;
        let header = |name: &str| answer.headers().get(name).and_then(|it| it.to_str().ok());
        if let Some(next) = header(NEXT_CHALLENGE) {
            let date = header("date").map(|date| ("date".to_owned(), date.to_owned()));
            let next = (NEXT_CHALLENGE.to_owned(), next.to_owned());
            let headers = date.into_iter().chain([next]).collect();
            relays.keep_next(
                purpose,
                &Response {
                    status: 101,
                    headers,
                    body: Vec::new(),
                },
            );
        }
        if answer.status().as_u16() != 101 {
            return refusal(answer).await.map(Err);
        }
        if header("sec-websocket-accept") != Some(derive_accept_key(key.as_bytes()).as_str()) {
            return Err(RelayError::NotARelay("its WebSocket handshake is wrong"));
        }
        let stream = answer
            .upgrade()
            .await
            .map_err(|_| RelayError::Unreachable)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_EVENT))
            .max_frame_size(Some(MAX_EVENT));
        Ok(Ok(WebSocketStream::from_raw_socket(
            stream,
            Role::Client,
            Some(config),
        )
        .await))
    }
}

async fn refusal(mut answer: reqwest::Response) -> Result<Response, RelayError> {
    let status = answer.status().as_u16();
    let retry_after = answer
        .headers()
        .get("retry-after")
        .and_then(|it| it.to_str().ok());
    let headers = retry_after
        .map(|it| ("retry-after".to_owned(), it.to_owned()))
        .into_iter()
        .collect();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| RelayError::Unreachable)? {
        if body.len() + chunk.len() > MAX_SMALL_BODY {
            return Err(RelayError::NotARelay("its answer is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response {
        status,
        headers,
        body,
    })
}
