//! A TCP proxy that records, cuts and refuses.

use crate::relay::free_port;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// Passes connections on from one port of this machine to another.
pub struct Proxy {
    port: u16,
    target: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    refusing: AtomicBool,
    /// Cut a connection after at most so many bytes; 0: never.
    cut_within: AtomicU64,
    open: Mutex<CancellationToken>,
    recorded: Mutex<Vec<u8>>,
}

impl Proxy {
    /// A proxy in front of a port that nothing may be listening on yet ([`Proxy::target`]).
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (target, shared) = (free_port(), Arc::<Shared>::default());
        let passing = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(Arc::clone(&passing), client, target));
            }
        });
        Self {
            port,
            target,
            shared,
        }
    }

    /// Where clients connect: `localhost:PORT`.
    pub fn domain(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// Where connections are passed on to.
    pub fn target(&self) -> u16 {
        self.target
    }

    /// Ends all connections, and (until `false`) every new one at once.
    pub fn refuse(&self, refusing: bool) {
        self.shared.refusing.store(refusing, Ordering::Relaxed);
        if refusing {
            self.cut();
        }
    }

    /// Ends all connections.
    pub fn cut(&self) {
        let mut open = self
            .shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        open.cancel();
        *open = CancellationToken::new();
    }

    /// From now on every connection breaks somewhere within its first `bytes` in either
    /// direction; 0: no more.
    pub fn break_within(&self, bytes: u64) {
        self.shared.cut_within.store(bytes, Ordering::Relaxed);
        self.cut();
    }

    /// Everything that has passed, in both directions.
    pub fn recorded(&self) -> Vec<u8> {
        self.shared
            .recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn pass(shared: Arc<Shared>, client: TcpStream, target: u16) {
    if shared.refusing.load(Ordering::Relaxed) {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else {
        return;
    };
    let open = shared
        .open
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = open.cancelled() => {}
        () = copy(&shared, from_client, to_server) => {}
        () = copy(&shared, from_server, to_client) => {}
    }
}

async fn copy(
    shared: &Shared,
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
) {
    let mut left = match shared.cut_within.load(Ordering::Relaxed) {
        0 => u64::MAX,
        within => random() % within,
    };
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let passing = read.min(usize::try_from(left).unwrap_or(usize::MAX));
        let passed = buffer.get(..passing).unwrap_or_default();
        shared
            .recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(passed);
        if to.write_all(passed).await.is_err() || passed.len() < read {
            return;
        }
        left -= u64::try_from(read).unwrap_or(left);
    }
}

/// Any number: where a connection breaks must not matter.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
