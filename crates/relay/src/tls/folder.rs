//! Where the account at an authority and the certificate are kept: a folder for each authority, for
//! its owner alone.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::ParsedCertificate;
use sha2::{Digest as _, Sha256};

use super::{Served, TlsError, served};
use crate::config::Acme;

const ACCOUNT: &str = "account.json";
/// The key and the chain in one file, so that they always belong together.
const CERTIFICATE: &str = "certificate.pem";

/// The folder of one authority.
pub(super) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Opens the folder, making it.
    ///
    /// # Errors
    /// [`TlsError::File`]
    pub(super) fn open(acme: &Acme) -> Result<Self, TlsError> {
        // By the authority: what a test one issued is of no use for the real one.
        let digest = Sha256::digest(acme.directory.as_str());
        let name: String = hex::encode(digest).chars().take(16).collect();
        let root = acme.folder.join(name);
        private_folder(&root).map_err(|reason| TlsError::File {
            path: root.display().to_string(),
            reason,
        })?;
        Ok(Self { root })
    }

    /// The account, if there is one.
    pub(super) fn account(&self) -> Option<Vec<u8>> {
        fs::read(self.root.join(ACCOUNT)).ok()
    }

    /// Keeps the account.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep_account(&self, account: &[u8]) -> io::Result<()> {
        write(&self.root, ACCOUNT, account)
    }

    /// The certificate, if there is one for this host.
    pub(super) fn certificate(&self, host: &str) -> Option<Served> {
        let pem = fs::read(self.root.join(CERTIFICATE)).ok()?;
        let served = served(&pem, &pem).ok()?;
        is_for(&served, host).then_some(served)
    }

    /// Keeps a certificate with its key.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn keep_certificate(&self, key: &str, chain: &str) -> io::Result<()> {
        write(&self.root, CERTIFICATE, format!("{key}{chain}").as_bytes())
    }
}

fn is_for(served: &Served, host: &str) -> bool {
    let Some(first) = served.key.cert.first() else {
        return false;
    };
    let (Ok(parsed), Ok(name)) = (
        ParsedCertificate::try_from(first),
        ServerName::try_from(host),
    ) else {
        return false;
    };
    verify_server_name(&parsed, &name).is_ok()
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whole, or not at all.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}.new"));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, folder.join(name))
}
