//! Certificates from files and from an authority: Debian's test server `pebble`, on loopback.

mod authority;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::WebSocket;
use axum::routing::get;
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::ServerName;
use sotto_wire::domain::Domain;
use sotto_wire::time::SystemClock;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::acme::Issuer;
use super::{Encryption, files, provider};
use crate::config::{Acme, Tls};
use crate::server::{Bounds, serve};
use crate::tests::doubles::HandClock;
use authority::{Authority, Identity};

const HOST: &str = "relay.test";

/// A server with two routes.
struct Site {
    address: SocketAddr,
    encryption: Encryption,
    stopping: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Site {
    async fn start(tls: &Tls) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let domain = Domain::parse(HOST).unwrap();
        let encryption = Encryption::new(tls, &domain).unwrap().unwrap();
        let stopping = CancellationToken::new();
        let echo = async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo);
        let router = Router::new()
            .route("/", get(async || "here"))
            .route("/echo", get(echo));
        let bounds = Bounds {
            connections: 16,
            head: Duration::from_secs(5),
        };
        let serving = tokio::spawn(serve(
            listener,
            Some(encryption.clone()),
            router,
            bounds,
            stopping.clone(),
        ));
        Self {
            address,
            encryption,
            stopping,
            serving,
        }
    }

    async fn get(&self, roots: &str) -> Result<String, reqwest::Error> {
        let roots = reqwest::Certificate::from_pem_bundle(roots.as_bytes())?;
        let builder = reqwest::Client::builder()
            .no_proxy()
            .resolve(HOST, self.address);
        let client = roots
            .into_iter()
            .fold(builder, reqwest::ClientBuilder::add_root_certificate)
            .build()?;
        let url = format!("https://{HOST}:{}/", self.address.port());
        client.get(url).send().await?.text().await
    }
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.next().await {
        let _ = socket.send(message).await;
    }
}

fn acme(folder: &Path, directory: &str, roots: &Path) -> Acme {
    Acme {
        directory: directory.parse().unwrap(),
        contact: None,
        folder: folder.to_owned(),
        roots: Some(roots.to_owned()),
    }
}

#[tokio::test]
async fn a_certificate_is_got_after_failures_kept_and_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let (authority, roots) = (Authority::prepare(dir.path()), dir.path().join("roots.pem"));
    let folder = dir.path().join("acme");
    let acme = acme(&folder, &authority.directory(), &roots);
    let site = Site::start(&Tls::Acme(acme.clone())).await;
    let certificate = Arc::clone(&site.encryption.certificate);
    let clock = Arc::new(SystemClock);
    let issuer = |clock| {
        Issuer::new(
            acme.clone(),
            HOST.to_owned(),
            Arc::clone(&certificate),
            clock,
        )
    };

    // Nobody is there yet; connections are refused, and it is tried again.
    assert!(issuer(clock.clone()).issue().await.is_err());
    assert!(site.get("").await.is_err());
    let stop = CancellationToken::new();
    let patient = issuer(clock.clone()).resting(Duration::from_millis(50));
    let running = {
        let stop = stop.clone();
        tokio::spawn(async move { patient.run(&stop).await })
    };
    let mut authority = authority;
    authority.start(site.address.port()).await;
    let got = async {
        while certificate.not_after().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let got = tokio::time::timeout(Duration::from_secs(60), got).await;
    assert!(got.is_ok(), "{:?}", issuer(clock.clone()).issue().await);
    stop.cancel();
    running.await.unwrap();
    let trusted = authority.root().await;
    assert_eq!(site.get(&trusted).await.unwrap(), "here");
    private(&folder);

    // A new start has it already, and needs nobody.
    let again = Site::start(&Tls::Acme(acme.clone())).await;
    assert_eq!(again.get(&trusted).await.unwrap(), "here");
    let kept = again.encryption.certificate.served().unwrap();

    // Long before it ends there is another one, from the same account.
    let later = Arc::new(HandClock::default());
    let now = u64::try_from(kept.not_after).unwrap() - 100;
    later.forward(now - crate::tests::doubles::START);
    let stop = CancellationToken::new();
    let renewing = issuer(later).resting(Duration::from_millis(50));
    renewing.attempt(&mut 0, &stop).await;
    let renewed = certificate.served().unwrap();
    assert_ne!(kept.key.cert, renewed.key.cert);
    assert_eq!(site.get(&trusted).await.unwrap(), "here");

    // Where the authority cannot reach the machine, it is said why.
    site.stopping.cancel();
    site.serving.await.unwrap();
    let refused = issuer(clock).issue().await.unwrap_err();
    assert!(
        refused.contains("relay.test is not proved: ") && refused.contains("tls-alpn-01"),
        "{refused}"
    );
}

/// Everything under the folder is for its owner alone.
fn private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        if entry.file_type().unwrap().is_dir() {
            assert_eq!(mode, 0o700);
            private(&entry.path());
        } else {
            assert_eq!(mode, 0o600, "{entry:?}");
            files += 1;
        }
    }
    assert!(files == 2 || files == 0, "account and certificate: {files}");
}

#[tokio::test]
async fn own_files_serve_requests_and_sockets_and_are_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    let identity = Identity::new(HOST);
    std::fs::write(&chain, &identity.chain).unwrap();
    std::fs::write(&key, &identity.key).unwrap();
    let tls = Tls::Files {
        certificate: chain.clone(),
        key: key.clone(),
    };
    let site = Site::start(&tls).await;
    assert_eq!(site.get(&identity.root).await.unwrap(), "here");

    let mut roots = rustls::RootCertStore::empty();
    roots.add(identity.root_der.clone()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(site.address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from(HOST).unwrap();
    let stream = connector.connect(name, stream).await.unwrap();
    let url = format!("wss://{HOST}/echo");
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let said = tokio_tungstenite::tungstenite::Message::text("over TLS");
    socket.send(said.clone()).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), said);

    // Another key without its certificate is not taken; both together are.
    let other = Identity::new(HOST);
    std::fs::write(&key, &other.key).unwrap();
    assert!(files::read(&chain, &key).is_err());
    std::fs::write(&chain, &other.chain).unwrap();
    site.encryption
        .certificate
        .serve(files::read(&chain, &key).unwrap());
    assert_eq!(site.get(&other.root).await.unwrap(), "here");
    assert!(site.get(&identity.root).await.is_err());
}
