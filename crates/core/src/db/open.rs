//! How a connection is set up.

use super::erase::{self, Erasures};
use super::error::DbError;
use super::functions;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations, SchemaVersion};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The key of the database file: 32 random bytes, used as they are (no passphrase hashing).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DatabaseKey([u8; 32]);

impl DatabaseKey {
    /// Takes the bytes over.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseKey(…)")
    }
}

/// How long to wait for another process before [`DbError::Locked`].
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// Every statement of the engine stays prepared; the default of 16 would re-parse most of them.
const STATEMENTS: usize = 192;

/// Makes or brings up to date the tables that a library keeps in the same file.
pub type LibraryTables = fn(&mut Connection) -> Result<(), DbError>;

const SCHEMA: &[M<'_>] = &[
    M::up(include_str!("schema/001_initial.sql")),
    M::up(include_str!("schema/002_openmls_storage.sql")),
    M::up(include_str!("schema/003_plc_log.sql")),
    M::up(include_str!("schema/004_safety.sql")),
    M::up(include_str!("schema/005_rotation.sql")),
    M::up(include_str!("schema/006_requests.sql")),
    M::up(include_str!("schema/007_own_anchor.sql")),
    M::up(include_str!("schema/008_takeover.sql")),
    M::up(include_str!("schema/009_healing.sql")),
    M::up(include_str!("schema/010_repair.sql")),
    M::up(include_str!("schema/011_content.sql")),
    M::up(include_str!("schema/013_attachments.sql")),
    M::up(include_str!("schema/015_search.sql")),
    M::up(include_str!("schema/016_draft.sql")),
    M::up(include_str!("schema/017_silence.sql")),
    M::up(include_str!("schema/018_own_groups.sql")),
    M::up(include_str!("schema/019_given_up.sql")),
    M::up(include_str!("schema/020_move.sql")),
];

pub(super) fn writer(
    path: &Path,
    key: &DatabaseKey,
    library: LibraryTables,
    erasures: &Erasures,
) -> Result<Connection, DbError> {
    let mut connection = keyed(path, key, OpenFlags::SQLITE_OPEN_CREATE)?;
    functions::register(&connection, erasures)?;
    // `secure_delete = ON` overwrites whatever is deleted; `FAST` would leave it in pages that are
    // free as a whole, such as those of a long text.
    // `cipher_memory_security` stays off, its default: it wipes SQLite's every allocation and
    // costs far more than the key in our own memory is worth protecting by it.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA cache_size = -8192;",
    )?;
    let migrations = Migrations::from_slice(SCHEMA);
    // Before anything is touched: a newer version's database stays as it is.
    if let SchemaVersion::Outside(_) = migrations.current_version(&connection).map_err(failure)? {
        return Err(DbError::Newer);
    }
    library(&mut connection)?;
    migrations.to_latest(&mut connection).map_err(failure)?;
    // What a crash left in the log may have been deleted since.
    if !erase::cut_log(&connection)? {
        erasures.mark();
    }
    Ok(connection)
}

fn failure(error: rusqlite_migration::Error) -> DbError {
    match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => DbError::from(err),
        _ => DbError::Corrupt,
    }
}

pub(super) fn reader(
    path: &Path,
    key: &DatabaseKey,
    erasures: &Erasures,
) -> Result<Connection, DbError> {
    let connection = keyed(path, key, OpenFlags::empty())?;
    functions::register(&connection, erasures)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4096;")?;
    Ok(connection)
}

fn keyed(path: &Path, key: &DatabaseKey, extra: OpenFlags) -> Result<Connection, DbError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | extra;
    let connection = Connection::open_with_flags(path, flags)?;
    // Tests that look for what was deleted have to read the file: they leave it in the clear.
    if !(cfg!(test) && key.0 == [0; 32]) {
        unlock(&connection, key)?;
    }
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // The key is tried only when the first page is read.
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    Ok(connection)
}

fn unlock(connection: &Connection, key: &DatabaseKey) -> Result<(), DbError> {
    let mut pragma = Zeroizing::new(String::with_capacity(96));
    pragma.push_str("PRAGMA key = \"x'");
    for byte in key.0 {
        write!(pragma, "{byte:02x}").map_err(|_| DbError::Closed)?;
    }
    pragma.push_str("'\"");
    connection.execute_batch(&pragma)?;
    // As strong for this purpose as SQLCipher's default (SHA-512), and twice as fast where the
    // processor knows SHA-256: every page that a commit writes is authenticated.
    connection.execute_batch("PRAGMA cipher_hmac_algorithm = HMAC_SHA256")?;
    Ok(())
}
