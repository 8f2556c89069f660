//! The vault file: a readable header, then everything else under XChaCha20-Poly1305.

use super::passphrase::Salted;
use super::{VaultError, VaultKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use sotto_wire::random::Random;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use zeroize::{Zeroize, Zeroizing};

const NAME: &str = "vault";
const VERSION: u8 = 1;
/// Sessions and keys of many accounts stay far below.
const MAX_FILE: u64 = 1024 * 1024;

/// What can be read without the key; authenticated with the rest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    version: u8,
    /// Random; names this data directory's entry in the keyring.
    pub(super) instance: String,
    pub(super) key: KeySource,
}

/// Where the key of the file comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KeySource {
    Keyring,
    Passphrase(Salted),
}

impl Header {
    pub(super) fn new(key: KeySource, random: &dyn Random) -> Self {
        let mut instance = [0; 16];
        random.fill(&mut instance);
        Self {
            version: VERSION,
            instance: hex::encode(instance),
            key,
        }
    }
}

/// The file as it was read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealedFile {
    pub(super) header: Header,
    nonce: String,
    sealed: String,
}

impl SealedFile {
    pub(super) fn open(&self, key: &VaultKey) -> Result<Contents, VaultError> {
        let nonce = STANDARD
            .decode(&self.nonce)
            .map_err(|_| VaultError::Damaged("nonce"))?;
        let sealed = STANDARD
            .decode(&self.sealed)
            .map_err(|_| VaultError::Damaged("sealed"))?;
        if nonce.len() != 24 {
            return Err(VaultError::Damaged("nonce"));
        }
        let aad = associated(&self.header)?;
        let plain = cipher(key)
            .decrypt(
                XNonce::from_slice(&nonce),
                Payload {
                    msg: &sealed,
                    aad: &aad,
                },
            )
            .map_err(|_| VaultError::Damaged("its key does not open it"))?;
        let plain = Zeroizing::new(plain);
        serde_json::from_slice(&plain).map_err(|_| VaultError::Damaged("contents"))
    }
}

/// The secrets by name.
#[derive(Default, Clone, Serialize, Deserialize)]
pub(super) struct Contents(BTreeMap<String, Vec<u8>>);

impl Contents {
    pub(super) fn get(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.0
            .get(name)
            .map(|secret| Zeroizing::new(secret.clone()))
    }

    pub(super) fn set(&mut self, name: &str, secret: &[u8]) {
        if let Some(mut old) = self.0.insert(name.to_owned(), secret.to_vec()) {
            old.zeroize();
        }
    }

    pub(super) fn delete(&mut self, name: &str) {
        if let Some(mut old) = self.0.remove(name) {
            old.zeroize();
        }
    }
}

impl Drop for Contents {
    fn drop(&mut self) {
        for secret in self.0.values_mut() {
            secret.zeroize();
        }
    }
}

/// The file of that data directory, if there is one.
pub(super) fn read(data_dir: &Path) -> Result<Option<SealedFile>, VaultError> {
    let mut bytes = Vec::new();
    match std::fs::File::open(data_dir.join(NAME)) {
        Ok(file) => file.take(MAX_FILE).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    parse(&bytes).map(Some)
}

/// The file in these bytes.
pub(super) fn parse(bytes: &[u8]) -> Result<SealedFile, VaultError> {
    let file: SealedFile =
        serde_json::from_slice(bytes).map_err(|_| VaultError::Damaged("not a vault"))?;
    if file.header.version != VERSION {
        return Err(VaultError::Damaged("made by another version"));
    }
    Ok(file)
}

/// Replaces the file, all of it or none of it, and waits for the disk.
pub(super) fn write(
    data_dir: &Path,
    header: &Header,
    key: &VaultKey,
    contents: &Contents,
    random: &dyn Random,
) -> Result<(), VaultError> {
    let plain = serde_json::to_vec(contents).map_err(|_| VaultError::Damaged("contents"))?;
    let bytes = seal(header, key, &Zeroizing::new(plain), random)?;
    replace(data_dir, &bytes).map_err(VaultError::Io)
}

/// The bytes of a file that holds `plain`.
pub(super) fn seal(
    header: &Header,
    key: &VaultKey,
    plain: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, VaultError> {
    let mut nonce = [0; 24];
    random.fill(&mut nonce);
    let aad = associated(header)?;
    let sealed = cipher(key)
        .encrypt(
            XNonce::from_slice(&nonce),
            Payload {
                msg: plain,
                aad: &aad,
            },
        )
        .map_err(|_| VaultError::Damaged("contents"))?;
    let file = SealedFile {
        header: header.clone(),
        nonce: STANDARD.encode(nonce),
        sealed: STANDARD.encode(sealed),
    };
    serde_json::to_vec(&file).map_err(|_| VaultError::Damaged("header"))
}

fn replace(data_dir: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let fresh = data_dir.join("vault.new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, data_dir.join(NAME))?;
    // The rename itself is in the directory; elsewhere than on Unix it cannot be opened.
    #[cfg(unix)]
    std::fs::File::open(data_dir)?.sync_all()?;
    Ok(())
}

fn associated(header: &Header) -> Result<Vec<u8>, VaultError> {
    serde_json::to_vec(header).map_err(|_| VaultError::Damaged("header"))
}

fn cipher(key: &VaultKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.as_slice().into())
}
