//! TLS by the relay itself: a certificate from files, or one that it gets and renews (`acme`). The
//! certificate in use is changed while connections go on.

mod acme;
mod files;
mod folder;
mod validity;
mod web;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sotto_wire::domain::Domain;
use sotto_wire::time::Clock;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::config::Tls;

/// How a client names the protocol of a challenge (RFC 8737 §6.2).
const CHALLENGE: &[u8] = b"acme-tls/1";

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        reason: std::io::Error,
    },
    /// A file holds no certificate, or no key, or they do not belong together.
    #[error("{path}: {problem}")]
    Content {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// The library refuses.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// The certificate in use.
#[derive(Default)]
pub(crate) struct Certificate {
    served: RwLock<Option<Served>>,
    /// Shown to the authority while it looks whether this is the domain's machine.
    challenge: RwLock<Option<Arc<CertifiedKey>>>,
}

/// A certificate with what has to be known about it.
#[derive(Clone)]
struct Served {
    key: Arc<CertifiedKey>,
    not_before: i64,
    not_after: i64,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate(..)")
    }
}

impl Certificate {
    fn serve(&self, served: Served) {
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = Some(served);
    }

    fn challenge(&self, key: Option<Arc<CertifiedKey>>) {
        *self
            .challenge
            .write()
            .unwrap_or_else(PoisonError::into_inner) = key;
    }

    fn served(&self) -> Option<Served> {
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner);
        served.clone()
    }

    /// When it ends, in seconds since 1970.
    pub(crate) fn not_after(&self) -> Option<i64> {
        self.served().map(|served| served.not_after)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asks_for_challenge = hello
            .alpn()
            .is_some_and(|mut offered| offered.any(|protocol| protocol == CHALLENGE));
        if asks_for_challenge {
            let challenge = self.challenge.read();
            return challenge.unwrap_or_else(PoisonError::into_inner).clone();
        }
        self.served().map(|served| served.key)
    }
}

/// Encrypts connections.
#[derive(Clone)]
pub(crate) struct Encryption {
    acceptor: TlsAcceptor,
    pub(crate) certificate: Arc<Certificate>,
}

impl Encryption {
    /// As configured; nothing where a proxy does it. Files are read, and `acme` begins with what it
    /// got earlier.
    ///
    /// # Errors
    /// [`TlsError`]
    pub(crate) fn new(tls: &Tls, domain: &Domain) -> Result<Option<Self>, TlsError> {
        let certificate = Arc::new(Certificate::default());
        match tls {
            Tls::Off => return Ok(None),
            Tls::Files {
                certificate: chain,
                key,
            } => {
                certificate.serve(files::read(chain, key)?);
            }
            Tls::Acme(acme) => {
                if let Some(served) = folder::Folder::open(acme)?.certificate(host(domain)) {
                    certificate.serve(served);
                }
            }
        }
        let resolver = Arc::clone(&certificate) as Arc<dyn ResolvesServerCert>;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Setup(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec(), CHALLENGE.to_vec()];
        Ok(Some(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate,
        }))
    }

    /// Shakes hands. Nothing where that fails, takes longer than `within`, or was the authority's look.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        within: Duration,
    ) -> Option<TlsStream<TcpStream>> {
        let shaken = tokio::time::timeout(within, self.acceptor.accept(stream)).await;
        let stream = shaken.ok()?.ok()?;
        (stream.get_ref().1.alpn_protocol() != Some(CHALLENGE)).then_some(stream)
    }

    /// Keeps the certificate good until `stopping`.
    pub(crate) async fn renew(
        self,
        tls: Tls,
        domain: Domain,
        clock: Arc<dyn Clock>,
        stopping: CancellationToken,
    ) {
        let certificate = self.certificate;
        match tls {
            Tls::Off => {}
            Tls::Files {
                certificate: chain,
                key,
            } => {
                files::watch(&chain, &key, &certificate, &stopping).await;
            }
            Tls::Acme(acme) => {
                let issuer = acme::Issuer::new(acme, host(&domain).to_owned(), certificate, clock);
                issuer.run(&stopping).await;
            }
        }
    }
}

/// A discovery domain without its port.
fn host(domain: &Domain) -> &str {
    let text = domain.as_str();
    text.rsplit_once(':').map_or(text, |(host, _)| host)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A chain and its key, as they are served.
fn served(chain: &[u8], key: &[u8]) -> Result<Served, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| format!("the key: {error}"))?;
    let first = chain.first().ok_or("there is no certificate in it")?;
    let validity = validity::validity(first);
    let (not_before, not_after) = validity.ok_or("the certificate is not understood")?;
    let key = CertifiedKey::from_der(chain, key, &provider())
        .map_err(|error| format!("certificate and key: {error}"))?;
    Ok(Served {
        key: Arc::new(key),
        not_before,
        not_after,
    })
}

// The authority is a package of Unix systems.
#[cfg(test)]
#[cfg(unix)]
mod tests;
