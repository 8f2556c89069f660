//! Where secrets rest: one sealed file, `vault`, in the data directory.
//!
//! The file holds the database keys and the OAuth sessions. Its own key is either a random one in
//! the operating system's keyring, or derived from a passphrase where there is no keyring. Which of
//! the two is written in the file and never changes silently: a keyring that is away for once is an
//! error, not a reason to start anew.

#[cfg(feature = "testing")]
pub(crate) mod entries;
mod file;
mod keyring;
mod passphrase;

use self::file::{Contents, Header, KeySource, SealedFile};
pub(crate) use self::keyring::{KeyStore, KeyringError, SystemKeyring};
pub use self::passphrase::Cost;
use self::passphrase::MIN_PASSPHRASE;
use sotto_wire::random::Random;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// A locked keyring asks its user, which may take for ever.
const KEYRING_PATIENCE: Duration = Duration::from_secs(15);

/// The key that seals the vault file.
pub(crate) type VaultKey = Zeroizing<[u8; 32]>;

/// Which keyring to begin with; what a data directory began with is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyringChoice {
    /// The operating system's, or a passphrase where it has none.
    System,
    /// Always a passphrase.
    File,
}

/// Why the vault is not open, or could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VaultError {
    /// Ask again.
    #[error("the passphrase does not open the vault")]
    WrongPassphrase,
    /// Ask for a longer one.
    #[error("a passphrase has at least {MIN_PASSPHRASE} characters")]
    TooShort,
    /// The user has to unlock the keyring.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The file is not what was written.
    #[error("the vault file is damaged: {0}")]
    Damaged(&'static str),
    /// The disk.
    #[error("the vault file: {0}")]
    Io(#[from] std::io::Error),
}

impl VaultError {
    /// The code for the user interface.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::WrongPassphrase => "vault.wrong_passphrase",
            Self::TooShort => "vault.passphrase_too_short",
            Self::Keyring(KeyringError::Locked) => "keyring.locked",
            Self::Keyring(KeyringError::Absent | KeyringError::Failed(_)) => "keyring.unavailable",
            Self::Damaged(_) => "database.corrupt",
            Self::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => "database.full",
            Self::Io(_) => "internal",
        }
    }
}

/// Where the vault file is and what it is made with.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) data_dir: PathBuf,
    pub(crate) choice: KeyringChoice,
    pub(crate) cost: Cost,
    pub(crate) keys: Arc<dyn KeyStore>,
    pub(crate) random: Arc<dyn Random>,
}

/// What opening without a passphrase came to.
pub(crate) enum Opening {
    /// The keyring had the key.
    Open(Vault),
    /// There is a file for a passphrase, or (`create`) there will be one.
    Passphrase {
        /// Whether the passphrase is chosen now.
        create: bool,
    },
}

/// The open vault. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Vault(Arc<Mutex<Unsealed>>);

struct Unsealed {
    place: Place,
    header: Header,
    key: VaultKey,
    contents: Contents,
}

impl Place {
    /// Opens the vault if the keyring holds its key, making it on the first start.
    pub(crate) async fn open(&self) -> Result<Opening, VaultError> {
        match file::read(&self.data_dir)? {
            Some(sealed) => match sealed.header.key {
                KeySource::Passphrase(_) => Ok(Opening::Passphrase { create: false }),
                KeySource::Keyring => self.open_by_keyring(sealed).await.map(Opening::Open),
            },
            None if self.choice == KeyringChoice::File => Ok(Opening::Passphrase { create: true }),
            None => self.create_by_keyring().await,
        }
    }

    /// Opens the vault with a passphrase, or makes it with this one.
    pub(crate) async fn open_with(&self, passphrase: String) -> Result<Vault, VaultError> {
        let passphrase = Zeroizing::new(passphrase);
        match file::read(&self.data_dir)? {
            Some(sealed) => {
                let KeySource::Passphrase(salted) = sealed.header.key.clone() else {
                    return Err(VaultError::Damaged("it is not made for a passphrase"));
                };
                let key = salted.derive(passphrase).await?;
                let contents = sealed.open(&key).map_err(|_| VaultError::WrongPassphrase)?;
                Ok(self.vault(sealed.header, key, contents))
            }
            None => {
                passphrase::check_length(&passphrase)?;
                let salted = passphrase::Salted::new(self.cost, &*self.random);
                let header = Header::new(KeySource::Passphrase(salted.clone()), &*self.random);
                self.create(header, salted.derive(passphrase).await?)
            }
        }
    }

    async fn open_by_keyring(&self, sealed: SealedFile) -> Result<Vault, VaultError> {
        let name = sealed.header.instance.clone();
        let found = self.ask(move |keys| keys.get(&name)).await?;
        // The file is here and its key is gone: nothing may be made in its place.
        let key = found.ok_or(KeyringError::Absent)?;
        let contents = sealed.open(&key)?;
        Ok(self.vault(sealed.header, key, contents))
    }

    async fn create_by_keyring(&self) -> Result<Opening, VaultError> {
        let header = Header::new(KeySource::Keyring, &*self.random);
        let mut key = VaultKey::default();
        self.random.fill(key.as_mut_slice());
        let (name, kept) = (header.instance.clone(), key.clone());
        match self.ask(move |keys| keys.set(&name, &kept)).await {
            Ok(()) => self.create(header, key).map(Opening::Open),
            Err(KeyringError::Absent) => Ok(Opening::Passphrase { create: true }),
            Err(error) => Err(error.into()),
        }
    }

    fn create(&self, header: Header, key: VaultKey) -> Result<Vault, VaultError> {
        let contents = Contents::default();
        file::write(&self.data_dir, &header, &key, &contents, &*self.random)?;
        Ok(self.vault(header, key, contents))
    }

    fn vault(&self, header: Header, key: VaultKey, contents: Contents) -> Vault {
        Vault(Arc::new(Mutex::new(Unsealed {
            place: self.clone(),
            header,
            key,
            contents,
        })))
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn KeyStore) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        keyring::ask(Arc::clone(&self.keys), KEYRING_PATIENCE, question).await
    }
}

impl Vault {
    /// The secret of that name.
    pub(crate) async fn get(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.0.lock().await.contents.get(name)
    }

    /// Keeps a secret; on disk when this returns.
    pub(crate) async fn set(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        self.change(|contents| contents.set(name, secret)).await
    }

    /// Forgets a secret; also where there is none.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), VaultError> {
        self.change(|contents| contents.delete(name)).await
    }

    async fn change(&self, change: impl FnOnce(&mut Contents)) -> Result<(), VaultError> {
        let mut unsealed = self.0.lock().await;
        let mut contents = unsealed.contents.clone();
        change(&mut contents);
        let Unsealed {
            place, header, key, ..
        } = &*unsealed;
        file::write(&place.data_dir, header, key, &contents, &*place.random)?;
        unsealed.contents = contents;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
