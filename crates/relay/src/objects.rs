//! Files of attachments (§4.8): each under the hash of its bytes, in 256 folders. A file comes before
//! its row and goes after it, so that a row always has its file; a file without a row is removed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sotto_wire::attachment::ObjectName;
use tokio::sync::{Mutex, MutexGuard, Semaphore};

use crate::state::State;
use crate::store::sql::Sql;
use crate::store::{StoreError, Stored, attachments};

/// Bodies of objects in memory at once: bounds what uploads cost, whoever sends them.
const UPLOADS: usize = 64;
/// Names that share a lock.
const LOCKS: usize = 64;
/// Where files are written before they have their name.
const UNFINISHED: &str = "unfinished";

/// The folder of objects.
pub(crate) struct Objects {
    root: PathBuf,
    /// Tells the files of one process from those of others.
    process: u64,
    /// Held where a file and its row change together.
    locks: Vec<Mutex<()>>,
    /// Bounds uploads.
    pub(crate) uploads: Semaphore,
    unfinished: AtomicU64,
}

impl Objects {
    /// Opens the folder, making it. Without `shared`, nobody else uses it and what a crash left
    /// unfinished is cleared; otherwise this number tells whose files are whose.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(root: PathBuf, shared: Option<u64>) -> io::Result<Self> {
        let unfinished = root.join(UNFINISHED);
        if shared.is_none() && unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir_all(&unfinished)?;
        Ok(Self {
            root,
            process: shared.unwrap_or_default(),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
            uploads: Semaphore::new(UPLOADS),
            unfinished: AtomicU64::new(0),
        })
    }

    /// Waits until nobody else changes this object.
    pub(crate) async fn lock(&self, name: &ObjectName) -> Option<MutexGuard<'_, ()>> {
        let [first, ..] = name.as_bytes();
        let lock = self.locks.get(usize::from(*first) % LOCKS)?;
        Some(lock.lock().await)
    }

    /// Where the object's file is, if it is there. Hexadecimal: some file systems take letters of
    /// either case for the same.
    pub(crate) fn path(&self, name: &ObjectName) -> PathBuf {
        let [first, ..] = name.as_bytes();
        self.root
            .join(hex::encode([*first]))
            .join(hex::encode(name.as_bytes()))
    }

    /// Writes an object so that it is whole and on the disk, or not there.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn write(&self, name: &ObjectName, bytes: &[u8]) -> io::Result<()> {
        let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
        let unfinished = self
            .root
            .join(UNFINISHED)
            .join(format!("{:x}-{number}", self.process));
        let written = self.write_through(&unfinished, &self.path(name), bytes);
        if written.is_err() {
            // It may never have come to be.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    fn write_through(&self, unfinished: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        let folder = path.parent().unwrap_or(&self.root);
        if !folder.exists() {
            fs::create_dir_all(folder)?;
            sync_folder(&self.root)?;
        }
        fs::rename(unfinished, path)?;
        sync_folder(folder)
    }

    /// Removes an object's file; it may be gone already.
    fn remove(&self, name: &ObjectName) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes files that have no row: those of puts that a crash interrupted in between. Only
    /// before anything is served.
    ///
    /// # Errors
    /// What the system or SQLite says.
    pub(crate) fn remove_orphans(&self, sql: &dyn Sql) -> Stored<io::Result<()>> {
        let mut names = Vec::new();
        if let Err(error) = self.list(&mut names) {
            return Ok(Err(error));
        }
        for name in names {
            if !attachments::is_kept(sql, &name)?
                && let Err(error) = self.remove(&name)
            {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// Removes the file of a name that has no row. In the transaction that holds the name: nobody
    /// adds a row in between.
    fn look_after(&self, sql: &dyn Sql, name: &ObjectName) -> Stored<io::Result<()>> {
        attachments::looked_after(sql, name)?;
        if attachments::is_kept(sql, name)? {
            return Ok(Ok(()));
        }
        match self.remove(name) {
            Ok(()) => Ok(Ok(())),
            Err(error) => {
                attachments::expect(sql, name)?;
                Ok(Err(error))
            }
        }
    }

    fn list(&self, names: &mut Vec<ObjectName>) -> io::Result<()> {
        for folder in fs::read_dir(&self.root)? {
            let folder = folder?;
            if folder.file_name() == UNFINISHED || !folder.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                let name = file?.file_name();
                let mut bytes = [0; 32];
                // What is not named like an object was put there by somebody else.
                if hex::decode_to_slice(name.as_encoded_bytes(), &mut bytes).is_ok() {
                    names.push(ObjectName::from_bytes(bytes));
                }
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened for that, and renaming writes through by itself.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Removes the files whose last row went.
pub(crate) async fn reap(state: &State) -> Result<(), StoreError> {
    loop {
        let gone = state.store.read(attachments::gone).await?;
        if gone.is_empty() {
            return Ok(());
        }
        for name in gone {
            let _lock = state.objects.lock(&name).await;
            let objects = Arc::clone(&state.objects);
            let removed = state.store.write(move |sql| objects.look_after(sql, &name));
            if let Err(error) = removed.await? {
                // Tried again with the next sweep; the next start finds it too.
                tracing::error!(reason = %error.kind(), "an object was not removed");
                return Ok(());
            }
        }
    }
}
