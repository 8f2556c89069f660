//! Who has the certificate, and what has to hold between the settings about it.

use std::path::{Path, PathBuf};

use url::Url;

/// Let's Encrypt.
const DEFAULT_DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// How connections are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Not here: a reverse proxy has the certificate.
    Off,
    /// With a certificate that somebody else renews. The files are read again when they change.
    Files {
        /// PEM: the certificate and its chain.
        certificate: PathBuf,
        /// PEM: its private key.
        key: PathBuf,
    },
    /// With a certificate that the relay gets by itself.
    Acme(Acme),
}

/// Where a certificate comes from (RFC 8555), proved by TLS-ALPN-01 (RFC 8737).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// The authority's directory.
    pub directory: Url,
    /// Where it writes to.
    pub contact: Option<String>,
    /// Folder of the account's key and the certificate.
    pub folder: PathBuf,
    /// PEM file of an authority that is trusted when the directory is asked, beside the public ones.
    pub roots: Option<PathBuf>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsKind {
    #[default]
    Off,
    Acme,
    Files,
}

impl TlsKind {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "acme" => Some(Self::Acme),
            "files" => Some(Self::Files),
            _ => None,
        }
    }
}

/// Values as they were given.
#[derive(Debug, Default)]
pub(super) struct GivenTls {
    pub(super) kind: TlsKind,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) contact: Option<String>,
    pub(super) directory: Option<Url>,
    pub(super) folder: Option<PathBuf>,
    pub(super) roots: Option<PathBuf>,
}

impl GivenTls {
    pub(super) fn finish(self, data: &Path, named: bool, problems: &mut Vec<String>) -> Tls {
        let files = self.certificate.is_some() || self.key.is_some();
        if files && self.kind != TlsKind::Files {
            problems.push("tls_certificate, tls_key: need tls = \"files\"".to_owned());
        }
        match self.kind {
            TlsKind::Off => Tls::Off,
            TlsKind::Files => self.files(problems),
            TlsKind::Acme => {
                if !named {
                    problems.push("tls = \"acme\": needs a domain".to_owned());
                }
                self.acme(data, problems)
            }
        }
    }

    fn files(self, problems: &mut Vec<String>) -> Tls {
        if let (Some(certificate), Some(key)) = (self.certificate, self.key) {
            return Tls::Files { certificate, key };
        }
        problems.push("tls = \"files\": needs tls_certificate and tls_key".to_owned());
        Tls::Off
    }

    fn acme(self, data: &Path, problems: &mut Vec<String>) -> Tls {
        let directory = self
            .directory
            .or_else(|| Url::parse(DEFAULT_DIRECTORY).ok());
        let Some(directory) = directory.filter(|url| url.scheme() == "https") else {
            problems.push("acme_directory: has to be an https URL".to_owned());
            return Tls::Off;
        };
        Tls::Acme(Acme {
            directory,
            contact: self.contact,
            folder: self.folder.unwrap_or_else(|| data.with_extension("acme")),
            roots: self.roots,
        })
    }
}
