//! Why an account is not verified.

use thiserror::Error;

use crate::did_document::DocumentError;
use crate::handle::ResolveError;
use crate::plc::LogError;
use crate::repo::{FetchError, ProofError};

/// What went wrong in verifying an account (docs/protocol.md §1.4). Nothing is sent to it then.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum VerifyError {
    /// Step 1: the handle leads nowhere (or cannot be looked up now).
    #[error(transparent)]
    Handle(#[from] ResolveError),
    /// Step 1: the DID's document does not name the handle.
    #[error("the account does not have this handle")]
    HandleMismatch,
    /// Step 1: there is no usable document (or the directory cannot be asked now).
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Step 1: the operation log of a did:plc account proves nothing, or something else than the
    /// document says.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Step 2: the account's server cannot be asked, or refuses. Worth another try.
    #[error("the account's server cannot be reached")]
    PdsUnreachable,
    /// Step 2: the account's server is, or redirects to, an address that may not be asked: not
    /// https, or inside a private network.
    #[error("the account's server is at an address that is not allowed")]
    PdsForbidden,
    /// Step 2: what the server serves does not prove anything.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// Step 2: an older state of the repository than one already seen.
    #[error("the repository was rolled back")]
    RepoRolledBack,
    /// The account does not use Sotto: it is proved to have no delegation record.
    #[error("the account has no delegation record")]
    NoDelegation,
    /// Step 3: the record is malformed, or its claim is not one of this key for this account,
    /// domain and policy.
    #[error("the delegation record is not valid")]
    BadClaim,
    /// Step 3: an older claim than one already seen.
    #[error("the claim was rolled back")]
    ClaimRolledBack,
    /// Step 3: the relay is on this machine or otherwise not to be reached securely.
    #[error("the relay cannot be reached securely")]
    RelayInsecure,
    /// Step 4: the DID document names another key.
    #[error("the DID document names another key")]
    Contradicted,
    /// Step 5: another key than the one known, and the known one does not lead to it.
    #[error("the key has changed without endorsement")]
    KeyChanged,
}

impl VerifyError {
    /// The code for the UI.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Handle(error) => error.code(),
            Self::HandleMismatch => "handle.mismatch",
            Self::Document(error) => error.code(),
            Self::Log(error) => error.code(),
            Self::PdsUnreachable => "pds.unreachable",
            Self::PdsForbidden => "pds.forbidden",
            Self::Proof(error) => error.code(),
            Self::RepoRolledBack => "account.repo_rolled_back",
            Self::NoDelegation => "account.no_delegation",
            Self::BadClaim => "account.bad_claim",
            Self::ClaimRolledBack => "account.claim_rolled_back",
            Self::RelayInsecure => "relay.insecure",
            Self::Contradicted => "account.contradicted",
            Self::KeyChanged => "account.key_changed",
        }
    }

    /// Whether nothing is known to be wrong and the same may work later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Handle(ResolveError::Unreachable)
                | Self::Document(DocumentError::PlcUnreachable | DocumentError::HostUnreachable)
                | Self::PdsUnreachable
        )
    }
}

impl From<FetchError> for VerifyError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Unreachable => Self::PdsUnreachable,
            FetchError::Forbidden => Self::PdsForbidden,
            FetchError::Proof(error) => Self::Proof(error),
        }
    }
}
