//! Why the DID document was not changed.

use thiserror::Error;

use crate::did_document::DocumentError;
use crate::oauth::OAuthError;

/// What went wrong, by what the user or the app does next.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AnchoringError {
    /// The document of this account is not in the did:plc directory.
    #[error("the account is not a did:plc")]
    NotPlc,
    /// The directory cannot be asked, or does not say anything usable about the account.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The document has as many verification methods as it may have.
    #[error("the DID document has no room for another verification method")]
    TooManyMethods,
    /// The document would be larger than the directory takes.
    #[error("the DID document would be too large")]
    TooLarge,
    /// It is not the code that was sent.
    #[error("the code is not right")]
    WrongCode,
    /// It is too old.
    #[error("the code has expired")]
    ExpiredCode,
    /// Too many codes or operations in a short time.
    #[error("the account's server wants to be asked less often")]
    RateLimited,
    /// The user said no.
    #[error("the user refused")]
    Denied,
    /// The user signed in but the server did not give the permission.
    #[error("the permission to change the identity was not given")]
    ScopeMissing,
    /// The permission has ended: ask for it again.
    #[error("the permission to change the identity has ended")]
    PermissionEnded,
    /// The PDS signed an operation that says something else than what was asked. It was not
    /// submitted by this client.
    #[error("the account's server signed something else than what was asked")]
    SignedOther,
    /// The identity was changed by someone else meanwhile: begin again.
    #[error("the identity was changed meanwhile")]
    Changed,
    /// The directory does not show what was submitted.
    #[error("the directory does not show the change")]
    NotWritten,
    /// Anything else about the permission or the PDS.
    #[error(transparent)]
    OAuth(OAuthError),
}

impl AnchoringError {
    /// The code for the UI.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotPlc => "anchor.not_plc",
            Self::Document(error) => error.code(),
            Self::TooManyMethods => "anchor.too_many_methods",
            Self::TooLarge => "anchor.too_large",
            Self::WrongCode => "anchor.code_wrong",
            Self::ExpiredCode => "anchor.code_expired",
            Self::RateLimited => "anchor.rate_limited",
            Self::Denied => "anchor.denied",
            Self::ScopeMissing => "anchor.scope_missing",
            Self::PermissionEnded => "anchor.permission_ended",
            Self::SignedOther => "anchor.signed_other",
            Self::Changed => "anchor.changed",
            Self::NotWritten => "anchor.not_written",
            Self::OAuth(error) => error.code(),
        }
    }

    /// Whether the same permission is good for another try: another code, or the same again.
    #[must_use]
    pub fn keeps_permission(&self) -> bool {
        matches!(
            self,
            Self::WrongCode
                | Self::ExpiredCode
                | Self::RateLimited
                | Self::Changed
                | Self::NotWritten
                | Self::Document(DocumentError::PlcUnreachable)
                | Self::OAuth(OAuthError::Unreachable)
        )
    }
}

impl From<OAuthError> for AnchoringError {
    fn from(error: OAuthError) -> Self {
        match error {
            OAuthError::Denied => Self::Denied,
            OAuthError::ScopeMissing => Self::ScopeMissing,
            OAuthError::Expired => Self::PermissionEnded,
            OAuthError::Document(error) => Self::Document(error),
            other => Self::OAuth(other),
        }
    }
}
