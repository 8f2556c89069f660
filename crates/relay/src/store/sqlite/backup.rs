//! A copy of the database as it is at one moment, while a relay goes on writing to it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It is on a server, which has its own program for that.
    #[error("the database is on a PostgreSQL server: use pg_dump (docs/running-a-relay.md)")]
    OnServer,
    /// There is a file of that name.
    #[error("{0} exists already and is left as it is")]
    Exists(String),
    /// There is no database.
    #[error("there is no database at {0}")]
    Missing(String),
    /// The copy is not what was copied.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// The system refuses.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        reason: std::io::Error,
    },
    /// SQLite refuses.
    #[error("the database cannot be copied: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// Copies the database at `data` into a new file, whole and on the disk, for its owner alone.
///
/// # Errors
/// [`BackupError`]; then there is no file of that name.
pub fn backup(data: &Path, target: &Path) -> Result<(), BackupError> {
    let refused = |reason| BackupError::File {
        path: target.display().to_string(),
        reason,
    };
    if target.try_exists().map_err(refused)? {
        return Err(BackupError::Exists(target.display().to_string()));
    }
    if !data.exists() {
        return Err(BackupError::Missing(data.display().to_string()));
    }
    let mut name = target.as_os_str().to_owned();
    name.push(".unfinished");
    let unfinished = PathBuf::from(name);
    let copied = copy(data, &unfinished).and_then(|()| {
        std::fs::rename(&unfinished, target).map_err(refused)?;
        let folder = target.parent().filter(|it| !it.as_os_str().is_empty());
        sync_folder(folder.unwrap_or(Path::new("."))).map_err(refused)
    });
    if copied.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    copied
}

fn copy(data: &Path, unfinished: &Path) -> Result<(), BackupError> {
    let refused = |reason| BackupError::File {
        path: unfinished.display().to_string(),
        reason,
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // It holds what the database holds: who is registered, and the keys of grants.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(unfinished).map_err(refused)?);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(data, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    // In one read transaction, without the pages that were freed.
    connection.execute("VACUUM INTO ?1", [unfinished.to_string_lossy()])?;
    let copy = Connection::open_with_flags(unfinished, flags)?;
    let found: String = copy.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(BackupError::Damaged(found));
    }
    drop(copy);
    File::open(unfinished)
        .and_then(|file| file.sync_all())
        .map_err(refused)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened for that, and renaming writes through by itself.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}
