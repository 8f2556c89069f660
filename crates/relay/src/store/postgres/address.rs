//! Where the server is and how it is reached.

use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::{StoreError, Stored};
use super::connection::failure;

/// For one attempt to reach the server.
const CONNECT: Duration = Duration::from_secs(5);

/// A server, as a URL named it.
#[derive(Clone)]
pub(super) struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Address {
    /// Reads a URL. To another machine the connection is encrypted, unless the URL says
    /// `sslmode=disable`.
    ///
    /// # Errors
    /// [`StoreError::Url`], or [`StoreError::Certificates`] where no authority is trusted.
    pub(super) fn parse(url: &str) -> Stored<Self> {
        let mut config: Config = url.parse().map_err(|error: postgres::Error| {
            // Its source names the parameter, never the password.
            let source = std::error::Error::source(&error).map(ToString::to_string);
            StoreError::Url(source.unwrap_or_else(|| error.to_string()))
        })?;
        config.application_name("sotto-relay");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        let local = config.get_hosts().iter().all(is_local);
        match config.get_ssl_mode() {
            SslMode::Prefer if local => {
                config.ssl_mode(SslMode::Disable);
            }
            SslMode::Prefer => {
                config.ssl_mode(SslMode::Require);
            }
            _ => {}
        }
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(trusted()?),
        };
        Ok(Self { config, tls })
    }

    /// Connects. Only outside of asynchronous code.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`], or what the server says.
    pub(super) fn connect(&self) -> Stored<Client> {
        let client = match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        };
        client.map_err(|error| failure(&error))
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let address: Option<std::net::IpAddr> = name.parse().ok();
            name == "localhost" || address.is_some_and(|it| it.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// The authorities that the system trusts, or those of the file that `SSL_CERT_FILE` names.
fn trusted() -> Stored<MakeRustlsConnect> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(StoreError::Certificates);
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| StoreError::Certificates)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
