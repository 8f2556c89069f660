//! Why a peer is not found.

use crate::db::DbError;
use crate::relay::RelayError;
use sotto_identity::handle::ResolveError;
use sotto_identity::verify::VerifyError;

/// Why nothing can be sent to an account.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoveryError {
    /// Neither handle nor DID.
    #[error("not a handle")]
    HandleInvalid,
    /// The user's own account.
    #[error("the own account")]
    OwnAccount,
    /// The account does not verify (docs/protocol.md §1.4).
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Its relay does not answer as it should.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// Its roster does not verify, or is older than one seen (§1.6).
    #[error("the roster is not valid")]
    Roster,
    /// None of its devices has a key package.
    #[error("no key package")]
    NoKeyPackage,
    #[error(transparent)]
    Db(#[from] DbError),
}

impl DiscoveryError {
    /// The code for the user interface.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::HandleInvalid => "handle.invalid",
            Self::OwnAccount => "account.self",
            Self::Verify(error) => error.code(),
            Self::Relay(error) => error.code(),
            Self::Roster => "roster.invalid",
            Self::NoKeyPackage => "key_package.none",
            Self::Db(error) => error.code(),
        }
    }

    /// Whether nothing is known to be wrong and the same may work in a moment.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Verify(error) => error.is_temporary(),
            // A relay that refuses may be one that has lost its data and is being told again.
            Self::Relay(error) => !matches!(error, RelayError::Insecure),
            // A roster under the key of before is one that is being replaced (§1.10).
            Self::NoKeyPackage | Self::Roster | Self::Db(_) => true,
            Self::HandleInvalid | Self::OwnAccount => false,
        }
    }
}

impl From<ResolveError> for DiscoveryError {
    fn from(error: ResolveError) -> Self {
        Self::Verify(error.into())
    }
}
