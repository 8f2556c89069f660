//! What can go wrong with the database, classed by what the caller does next.

use rusqlite::ErrorCode;

/// A failure of the database itself; never the fault of a message.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The key does not open the file, or the file is not a database at all: SQLCipher cannot
    /// tell the two apart.
    #[error("the key does not open this database")]
    WrongKey,
    /// The file is damaged.
    #[error("the database is damaged")]
    Corrupt,
    /// No space is left on the device. Nothing was written.
    #[error("no space left for the database")]
    Full,
    /// Another process holds the database.
    #[error("another process uses the database")]
    Locked,
    /// A newer version of Sotto wrote this database.
    #[error("the database was written by a newer version")]
    Newer,
    /// The database was closed, or the job was lost in a panic and rolled back.
    #[error("the database is closed")]
    Closed,
    /// A stored value does not decode; names what.
    #[error("a stored {0} does not decode")]
    Stored(&'static str),
    /// Anything else that SQLite reports.
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
}

impl DbError {
    /// Stable code for the user interface.
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongKey => "database.wrong-key",
            Self::Corrupt | Self::Stored(_) => "database.corrupt",
            Self::Full => "database.full",
            Self::Locked => "database.locked",
            Self::Newer => "database.newer",
            Self::Closed => "database.closed",
            Self::Sqlite(_) => "internal",
        }
    }

    /// The failures that have a name of their own.
    pub(crate) fn named(error: &rusqlite::Error) -> Option<Self> {
        match error.sqlite_error_code()? {
            ErrorCode::NotADatabase => Some(Self::WrongKey),
            ErrorCode::DatabaseCorrupt => Some(Self::Corrupt),
            ErrorCode::DiskFull => Some(Self::Full),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Some(Self::Locked),
            _ => None,
        }
    }

    /// Whether one value is at fault rather than the database: one that was refused, such as a number
    /// beyond SQLite's, or a stored one that does not decode. What has nothing to do with that value
    /// goes on.
    pub(crate) fn is_of_a_value(&self) -> bool {
        use rusqlite::Error;
        match self {
            Self::Stored(_) => true,
            Self::Sqlite(
                Error::ToSqlConversionFailure(_)
                | Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
                | Error::QueryReturnedNoRows
                | Error::Utf8Error(..),
            ) => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
            ),
            _ => false,
        }
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        Self::named(&error).unwrap_or(Self::Sqlite(error))
    }
}
