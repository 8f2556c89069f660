//! The data directory: private to its user, and to one process at a time.

use sha2::{Digest as _, Sha256};
use sotto_wire::did::Did;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Why the directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// Close the other one first.
    #[error("another Sotto uses this data directory")]
    InUse,
    /// The disk.
    #[error("the data directory: {0}")]
    Io(#[from] std::io::Error),
}

impl DataDirError {
    /// The code for the user interface.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::InUse => "database.locked",
            Self::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => "database.full",
            Self::Io(_) => "internal",
        }
    }
}

/// Held as long as the directory is in use; the system lets go of it with the process.
#[derive(Debug)]
pub(crate) struct DataDirLock(#[expect(dead_code, reason = "held, not read")] File);

/// Makes the directory where it is missing and takes it for this process.
pub(crate) fn take(data_dir: &Path) -> Result<DataDirLock, DataDirError> {
    make_private(data_dir)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(data_dir.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(DataDirLock(file)),
        Err(TryLockError::WouldBlock) => Err(DataDirError::InUse),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Where an account's database is; the name does not say whose.
pub(crate) fn database(data_dir: &Path, did: &Did) -> Result<PathBuf, DataDirError> {
    let folder = data_dir.join("accounts").join(account_name(did));
    make_private(&folder)?;
    Ok(folder.join("sotto.db"))
}

/// Where encrypted pieces of an account's files are, once there are any.
pub(crate) fn attachments(data_dir: &Path, did: &Did) -> PathBuf {
    let folder = data_dir.join("accounts").join(account_name(did));
    folder.join("attachments")
}

/// The first 16 hex digits of the SHA-256 of a DID.
pub(crate) fn account_name(did: &Did) -> String {
    let digest = Sha256::digest(did.as_str().as_bytes());
    hex::encode(digest).chars().take(16).collect()
}

fn make_private(folder: &Path) -> Result<(), std::io::Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let first = take(dir.path()).unwrap();
        assert_eq!(take(dir.path()).unwrap_err().code(), "database.locked");
        drop(first);
        take(dir.path()).unwrap();
    }

    #[test]
    fn the_path_does_not_name_the_account() {
        let dir = tempfile::tempdir().unwrap();
        let did = Did::parse("did:web:alice.example").unwrap();
        let path = database(dir.path(), &did).unwrap();
        assert!(path.parent().unwrap().is_dir());
        assert!(!path.to_str().unwrap().contains("alice"));
        assert_eq!(account_name(&did).len(), 16);
    }
}
