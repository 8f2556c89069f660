//! HTTP/1.1 over one connection that is kept: as little work as a client can have, so that what is
//! measured is the relay.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::Done;

/// A connection to a relay.
pub(crate) struct Connection {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// The text of `Germ-Next-Challenge`.
    pub(crate) next_challenge: Option<String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Connects from one of several loopback addresses: one has ports for 28,000 connections only.
pub(crate) async fn connect(to: SocketAddr, number: usize) -> Done<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let last = u8::try_from(2 + number % 8)?;
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0)))?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Connection {
    /// Connects to the relay that is known as `host`.
    pub(crate) async fn open(to: SocketAddr, number: usize, host: &str) -> Done<Self> {
        Ok(Self {
            stream: connect(to, number).await?,
            host: host.to_owned(),
            buffer: Vec::with_capacity(4096),
        })
    }

    /// The connection, after the last answer.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Posts a body.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Done<Answer> {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/cbor\r\ncontent-length: {}\r\n",
            self.host,
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        self.stream.write_all(&bytes).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Done<Answer> {
        self.buffer.clear();
        let head = loop {
            if let Some(end) = self.buffer.windows(4).position(|it| it == b"\r\n\r\n") {
                break end;
            }
            self.more().await?;
        };
        let text = String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default());
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status: u16 = status.ok_or("no status")?.parse()?;
        let (mut length, mut next_challenge) = (0, None);
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse()?;
            } else if name.eq_ignore_ascii_case("germ-next-challenge") {
                let next = sotto_wire::challenge::NextChallenge::parse(value);
                next_challenge = next.map(|next| next.challenge);
            }
        }
        let (start, end) = (head + 4, head + 4 + length);
        while self.buffer.len() < end {
            self.more().await?;
        }
        Ok(Answer {
            status,
            next_challenge,
            body: self.buffer.get(start..end).unwrap_or_default().to_vec(),
        })
    }

    async fn more(&mut self) -> Done<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the relay hung up".into()),
            _ => Ok(()),
        }
    }
}

/// Whether a relay there says that it is ready.
pub(crate) async fn is_ready(at: SocketAddr) -> bool {
    let asked = async {
        let mut connection = Connection::open(at, 0, "localhost").await?;
        let request = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        connection.stream.write_all(request).await?;
        connection.answer().await
    };
    asked.await.is_ok_and(|answer| answer.status == 200)
}
