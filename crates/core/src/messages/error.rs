//! Errors of the engine, classed by what the caller does next.

use crate::db::DbError;
use crate::mls::MlsError;
use crate::outbox::Need;

/// Why the engine could not do what it was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database failed; try again later.
    #[error(transparent)]
    Db(#[from] DbError),
    /// MLS refused.
    #[error(transparent)]
    Mls(#[from] MlsError),
    /// Network work has to be done first.
    #[error("needs {0:?} first")]
    Need(Need),
    /// There is no own account on this device.
    #[error("no account")]
    NoAccount,
    /// No such conversation.
    #[error("unknown conversation")]
    UnknownConversation,
    /// No such message, or it is not one's own.
    #[error("unknown message")]
    UnknownMessage,
    /// The conversation would be with the own account.
    #[error("a conversation with oneself")]
    OwnAccount,
    /// What was to be sealed does not fit into a frame.
    #[error("too large for a frame")]
    TooLarge,
}

impl EngineError {
    /// Stable code for the user interface.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Db(error) => error.code(),
            Self::Mls(error) => error.code(),
            Self::Need(_) => "outbox.waiting",
            Self::NoAccount => "account.none",
            Self::UnknownConversation => "conversation.unknown",
            Self::UnknownMessage => "message.unknown",
            Self::OwnAccount => "conversation.self",
            Self::TooLarge => "message.too-long",
        }
    }
}

impl From<rusqlite::Error> for EngineError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(error.into())
    }
}
