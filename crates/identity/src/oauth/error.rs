//! Why a sign-in or a request in the user's name failed.

use thiserror::Error;

use super::StoreError;
use crate::did_document::DocumentError;
use crate::handle::ResolveError;
use crate::http::HttpError;

/// What went wrong, by what the user or the app does next.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum OAuthError {
    /// The handle leads nowhere.
    #[error(transparent)]
    Handle(#[from] ResolveError),
    /// The account's document does not name the handle.
    #[error("the account does not have this handle")]
    HandleMismatch,
    /// The account has no usable document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The account's server cannot be reached. Worth another try.
    #[error("the account's server cannot be reached")]
    Unreachable,
    /// The account's server refuses, or does not speak this kind of OAuth.
    #[error("the account's server refuses")]
    Rejected,
    /// The user said no.
    #[error("the user refused")]
    Denied,
    /// The app gave up waiting because the user asked it to.
    #[error("the sign-in was cancelled")]
    Cancelled,
    /// The user did not decide in time.
    #[error("the sign-in took too long")]
    TimedOut,
    /// The user's consent could not be turned into a session, or was for another account.
    #[error("the sign-in could not be completed")]
    ExchangeFailed,
    /// The user signed in but did not allow all that was asked for.
    #[error("a permission is missing")]
    ScopeMissing,
    /// The session has ended: sign in again.
    #[error("the session has ended")]
    Expired,
    /// The record was changed by someone else meanwhile.
    #[error("the record is another one by now")]
    RecordChanged,
    /// The DID document could not be changed, and the record is as it was before.
    #[error("the DID document could not be changed")]
    DocumentFailed,
    /// The record was changed, the DID document perhaps not. The same again completes it.
    #[error("only the record was changed")]
    HalfDone,
    /// The session cannot be kept or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This machine has no loopback port to give.
    #[error("no loopback port could be opened")]
    NoListener,
}

impl OAuthError {
    /// The code for the UI.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Handle(error) => error.code(),
            Self::HandleMismatch => "handle.mismatch",
            Self::Document(error) => error.code(),
            Self::Unreachable => "pds.unreachable",
            Self::Rejected => "pds.rejected",
            Self::Denied => "oauth.denied",
            Self::Cancelled => "oauth.cancelled",
            Self::TimedOut => "oauth.timed_out",
            Self::ExchangeFailed => "oauth.exchange_failed",
            Self::ScopeMissing => "scope.missing",
            Self::Expired => "oauth.expired",
            Self::RecordChanged => "delegation.elsewhere",
            Self::DocumentFailed => "delegation.document_failed",
            Self::HalfDone => "delegation.half_done",
            Self::Store(error) => error.code,
            Self::NoListener => "internal",
        }
    }
}

impl From<HttpError> for OAuthError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Unreachable | HttpError::Unavailable => Self::Unreachable,
            HttpError::Forbidden | HttpError::OutOfBounds => Self::Rejected,
        }
    }
}
