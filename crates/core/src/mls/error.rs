//! What can be wrong with something of MLS, classed by what the caller does next.

use crate::db::DbError;

/// Why MLS refused.
#[derive(Debug, thiserror::Error)]
pub enum MlsError {
    /// The database failed: nothing is known about the message, try again later.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The message is of a group that this device does not have (yet).
    #[error("unknown group")]
    UnknownGroup,
    /// The Welcome is for key packages that this device does not have (any more).
    #[error("no key package for this welcome")]
    NoKeyPackage,
    /// It is of an epoch that this device has not reached and cannot reach with what came along, or
    /// needs a secret that this device does not have (docs/protocol.md §3.7, §3.8).
    #[error("ahead of what this device has")]
    Ahead,
    /// Another member than the owner sent it. The group's ratchet has moved.
    #[error("not sent by the owner of the group")]
    NotOwner,
    /// It breaks a rule of docs/protocol.md §2 or §3; the code says which.
    #[error("refused: {0}")]
    Refused(&'static str),
}

impl MlsError {
    /// Stable code for quarantine and user interface.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Db(error) => error.code(),
            Self::UnknownGroup => "frame.unknown-group",
            Self::NoKeyPackage => "welcome.no-key-package",
            Self::Ahead => "message.ahead",
            Self::NotOwner => "message.not-owner",
            Self::Refused(code) => code,
        }
    }
}
