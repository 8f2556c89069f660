//! Why a relay did not do what it was asked, by what to do next.

use sotto_identity::http::HttpError;

/// A failed request to a relay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RelayError {
    /// No answer, or one that says "not now": try again later.
    #[error("the relay cannot be reached")]
    Unreachable,
    /// 429: try again after this many milliseconds.
    #[error("the relay asks to wait")]
    Full {
        /// From `Retry-After`.
        retry_after_ms: u64,
    },
    /// Our own relay does not know this device: register again.
    #[error("the relay does not know this device")]
    NotRegistered,
    /// Trying the same again is no use.
    #[error("the relay refused ({status} {code})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The relay's own code, docs/protocol.md §4.
        code: String,
    },
    /// Whatever answers there does not speak the protocol.
    #[error("not a relay: {0}")]
    NotARelay(&'static str),
    /// The domain may not be asked.
    #[error("the relay is not reached securely")]
    Insecure,
}

impl RelayError {
    /// Whether the relay refused with this code of its own.
    pub(crate) fn is(&self, refusal: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == refusal)
    }

    /// The code for the user interface.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unreachable | Self::Full { .. } => "relay.unreachable",
            Self::NotRegistered | Self::Refused { .. } => "relay.refused",
            Self::NotARelay(_) => "relay.not_a_relay",
            Self::Insecure => "relay.insecure",
        }
    }
}

impl From<HttpError> for RelayError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Unreachable | HttpError::Unavailable => Self::Unreachable,
            HttpError::OutOfBounds => Self::NotARelay("its answer is too large"),
            HttpError::Forbidden => Self::Insecure,
        }
    }
}
