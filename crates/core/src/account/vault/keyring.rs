//! The operating system's keyring, which may be absent, locked, or waiting for its user.

use super::VaultKey;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

const SERVICE: &str = "chat.sotto";

/// Why the keyring has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyringError {
    /// There, but the user has to unlock it.
    #[error("the keyring is locked")]
    Locked,
    /// No keyring on this system, or not the entry that should be in it.
    #[error("there is no keyring with this app's key")]
    Absent,
    /// Anything else it says.
    #[error("the keyring: {0}")]
    Failed(String),
}

/// A store of keys by name; every call may block.
pub(crate) trait KeyStore: Send + Sync {
    /// The key of that name, if there is one.
    fn get(&self, name: &str) -> Result<Option<VaultKey>, KeyringError>;
    /// Keeps a key.
    fn set(&self, name: &str, key: &VaultKey) -> Result<(), KeyringError>;
}

/// Secret Service, Keychain or Credential Manager.
pub(crate) struct SystemKeyring;

impl SystemKeyring {
    fn entry(name: &str) -> Result<keyring::v1::Entry, KeyringError> {
        keyring::v1::Entry::new(SERVICE, name).map_err(class)
    }
}

impl KeyStore for SystemKeyring {
    fn get(&self, name: &str) -> Result<Option<VaultKey>, KeyringError> {
        let secret = match Self::entry(name)?.get_secret() {
            Ok(secret) => Zeroizing::new(secret),
            Err(keyring::v1::Error::NoEntry) => return Ok(None),
            Err(error) => return Err(class(error)),
        };
        let key: [u8; 32] = secret
            .as_slice()
            .try_into()
            .map_err(|_| KeyringError::Failed("the entry has another length".into()))?;
        Ok(Some(Zeroizing::new(key)))
    }

    fn set(&self, name: &str, key: &VaultKey) -> Result<(), KeyringError> {
        Self::entry(name)?.set_secret(key.as_slice()).map_err(class)
    }
}

fn class(error: keyring::v1::Error) -> KeyringError {
    use keyring::v1::Error;
    match error {
        Error::NoStorageAccess(_) => KeyringError::Locked,
        // The platform's failure is how a missing bus or an unknown service shows itself.
        Error::NoDefaultStore | Error::PlatformFailure(_) | Error::NoEntry => KeyringError::Absent,
        // Its text may quote the secret: the kind is enough.
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            KeyringError::Failed("the entry is damaged".into())
        }
        other => KeyringError::Failed(other.to_string()),
    }
}

/// Asks on a thread of its own: a prompt that nobody answers must hold up neither the runtime nor
/// its end.
pub(super) async fn ask<T: Send + 'static>(
    keys: Arc<dyn KeyStore>,
    patience: Duration,
    question: impl FnOnce(&dyn KeyStore) -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let (answer, answered) = oneshot::channel();
    std::thread::Builder::new()
        .name("keyring".into())
        .spawn(move || {
            let _ = answer.send(question(&*keys));
        })
        .map_err(|error| KeyringError::Failed(error.to_string()))?;
    match tokio::time::timeout(patience, answered).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(KeyringError::Failed("it did not answer".into())),
        Err(_) => Err(KeyringError::Locked),
    }
}
