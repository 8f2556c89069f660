//! A connection on which puts go out one after the other, and whose answers are taken to the byte.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sotto_wire::domain::Domain;
use sotto_wire::http_sig::SignatureHeaders;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Done;
use crate::connection::connect;

/// A connection.
pub(super) struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, and how long it took from when the request was written.
pub(super) struct Answer {
    /// Every byte.
    pub(super) bytes: Vec<u8>,
    /// Until the last of them.
    pub(super) took: Duration,
}

impl Line {
    /// Connects.
    pub(super) async fn open(to: SocketAddr, number: usize) -> Done<Self> {
        Ok(Self {
            stream: connect(to, number).await?,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Sends a request that is ready to go.
    pub(super) async fn send(&mut self, request: &[u8]) -> Done<Answer> {
        self.buffer.clear();
        let started = Instant::now();
        self.stream.write_all(request).await?;
        let end = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the relay hung up".into());
            }
            if let Some(end) = end(&self.buffer)
                && self.buffer.len() >= end
            {
                break end;
            }
        };
        let took = started.elapsed();
        let bytes = self.buffer.get(..end).unwrap_or_default().to_vec();
        Ok(Answer { bytes, took })
    }
}

/// Where the answer ends, once its head is there.
fn end(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let length = field(text, "content-length").and_then(|value| value.parse::<usize>().ok());
    Some(head + 4 + length.unwrap_or(0))
}

fn field<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(wanted).then_some(value)
    })
}

impl Answer {
    /// The HTTP status.
    pub(super) fn status(&self) -> u16 {
        let status = self
            .bytes
            .get(9..12)
            .and_then(|it| std::str::from_utf8(it).ok());
        status.and_then(|it| it.parse().ok()).unwrap_or(0)
    }

    /// The challenge for the next put.
    pub(super) fn next_challenge(&self) -> Option<String> {
        let text = std::str::from_utf8(&self.bytes).ok()?;
        let value = field(text, sotto_wire::challenge::NEXT_CHALLENGE)?;
        sotto_wire::challenge::NextChallenge::parse(value).map(|next| next.challenge)
    }

    /// Everything but what differs between any two answers: the date, and the challenge and its end.
    /// Their lengths stay.
    pub(super) fn comparable(&self) -> Vec<u8> {
        let text = String::from_utf8_lossy(&self.bytes);
        let varies = ["date", sotto_wire::challenge::NEXT_CHALLENGE];
        let lines = text.split("\r\n").map(|line| match line.split_once(": ") {
            Some((name, value)) if varies.iter().any(|it| name.eq_ignore_ascii_case(it)) => {
                format!("{name}: ({} bytes)", value.len())
            }
            _ => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\r\n").into_bytes()
    }
}

/// A request as bytes.
pub(super) fn request(
    domain: &Domain,
    (method, path): (&str, &str),
    signed: Option<&SignatureHeaders>,
    body: &[u8],
) -> Vec<u8> {
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {domain}\r\ncontent-type: application/cbor\r\ncontent-length: {}\r\n",
        body.len()
    );
    if let Some(signed) = signed {
        if let Some(digest) = &signed.content_digest {
            head.push_str(&format!("content-digest: {digest}\r\n"));
        }
        head.push_str(&format!("signature-input: {}\r\n", signed.signature_input));
        head.push_str(&format!("signature: {}\r\n", signed.signature));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Answer, end};

    fn answer(text: &str) -> Answer {
        Answer {
            bytes: text.as_bytes().to_vec(),
            took: std::time::Duration::ZERO,
        }
    }

    #[test]
    fn answers_are_compared_but_for_date_and_challenge() {
        let text = |date: &str, more: &str| {
            format!("HTTP/1.1 202 Accepted\r\ndate: {date}\r\n{more}content-length: 0\r\n\r\n")
        };
        let one = answer(&text("Mon", ""));
        assert_eq!(one.status(), 202);
        assert_eq!(end(&one.bytes), Some(one.bytes.len()));
        assert_eq!(one.comparable(), answer(&text("Tue", "")).comparable());
        for other in [
            text("Tuesday", ""),
            text("Mon", "x: y\r\n"),
            text("Mon", "").replace("date", "Date"),
        ] {
            assert_ne!(one.comparable(), answer(&other).comparable(), "{other}");
        }
    }
}
