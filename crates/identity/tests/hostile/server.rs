//! A server that answers as a test wants it to, on a socket of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// More than anybody should read.
const GIGABYTE: usize = 1 << 30;

/// What comes back for a path.
#[derive(Clone)]
pub(crate) enum Answer {
    /// This, with a status.
    Whole(u16, Vec<u8>),
    /// A body of a gigabyte, announced.
    Gigabyte,
    /// The same, in chunks whose number nobody says.
    EndlessChunks,
    /// A header that does not end.
    EndlessHeader,
    /// A byte a second, for ever.
    Drip,
    /// Nothing at all.
    Silence,
    /// A redirect to this address.
    Redirect(String),
}

#[derive(Default)]
struct Shared {
    routes: Mutex<HashMap<String, Answer>>,
    asked: Mutex<Vec<String>>,
    written: AtomicUsize,
}

/// Runs until the test ends.
pub(crate) struct Server {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::<Shared>::default();
        let of_server = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&of_server)));
            }
        });
        Self { port, shared }
    }

    /// Answers requests for `path` (without the query) like this from now on.
    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        let mut routes = self.shared.routes.lock().unwrap();
        routes.insert(path.to_owned(), answer);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The paths that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How many bytes it got rid of, headers included.
    pub(crate) fn written(&self) -> usize {
        self.shared.written.load(Ordering::SeqCst)
    }
}

async fn serve(mut socket: TcpStream, shared: Arc<Shared>) {
    let Some(path) = request(&mut socket).await else {
        return;
    };
    shared.asked.lock().unwrap().push(path.clone());
    let answer = shared.routes.lock().unwrap().get(&path).cloned();
    let answer = answer.unwrap_or_else(|| Answer::Whole(404, b"{}".to_vec()));
    let mut out = Out { socket, shared };
    // Whoever is at the other end may have had enough.
    _ = out.answer(answer).await;
}

/// Reads the head of a request; its path.
async fn request(socket: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 2048];
        let length = socket.read(&mut part).await.ok().filter(|it| *it > 0)?;
        head.extend_from_slice(&part[..length]);
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.split(' ').nth(1)?;
    Some(target.split('?').next()?.to_owned())
}

struct Out {
    socket: TcpStream,
    shared: Arc<Shared>,
}

impl Out {
    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.socket.write_all(bytes).await?;
        self.shared.written.fetch_add(bytes.len(), Ordering::SeqCst);
        Ok(())
    }

    async fn answer(&mut self, answer: Answer) -> std::io::Result<()> {
        let block = vec![b'x'; 64 * 1024];
        match answer {
            Answer::Whole(status, body) => {
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
                );
                self.write(head.as_bytes()).await?;
                self.write(&body).await
            }
            Answer::Gigabyte => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {GIGABYTE}\r\n\r\n");
                self.write(head.as_bytes()).await?;
                self.gigabyte_of(&block).await
            }
            Answer::EndlessChunks => {
                let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
                self.write(head).await?;
                let chunk = [b"10000\r\n", &block[..], b"\r\n"].concat();
                self.gigabyte_of(&chunk).await
            }
            Answer::EndlessHeader => {
                self.write(b"HTTP/1.1 200 OK\r\nx: ").await?;
                self.gigabyte_of(&block).await
            }
            Answer::Drip => {
                self.write(b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n")
                    .await?;
                loop {
                    self.write(b" ").await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Answer::Silence => std::future::pending().await,
            Answer::Redirect(to) => {
                let head = format!(
                    "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
                );
                self.write(head.as_bytes()).await
            }
        }
    }

    async fn gigabyte_of(&mut self, block: &[u8]) -> std::io::Result<()> {
        for _ in 0..GIGABYTE / block.len() {
            self.write(block).await?;
        }
        Ok(())
    }
}
