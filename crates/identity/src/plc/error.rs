//! Why an operation log proves nothing.

use thiserror::Error;

/// What is wrong with an operation log. None of it passes by itself: whoever serves such a log, or
/// whoever wrote it, is at fault.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LogError {
    /// More bytes or operations than any honest account has.
    #[error("the operation log is too large")]
    TooLarge,
    /// Not a log, or an operation in it is none.
    #[error("the operation log is malformed")]
    Malformed,
    /// An operation does not have the CID that it is listed under.
    #[error("an operation does not have its CID")]
    BadCid,
    /// The DID is not the hash of the first operation.
    #[error("the first operation is not the one of this DID")]
    WrongGenesis,
    /// An operation names no predecessor that is in force, follows a tombstone, or is dated before
    /// the one ahead of it.
    #[error("the operations do not follow one another")]
    BrokenChain,
    /// None of the rotation keys in force signed an operation.
    #[error("an operation is not signed by a rotation key")]
    Forged,
    /// An operation overrules another without being signed by a stronger rotation key within 72
    /// hours.
    #[error("an operation overrules another without right")]
    IllegalFork,
    /// The directory marks operations as nullified that are not, or the other way round.
    #[error("the nullified operations are not those that were overruled")]
    FalseNullification,
    /// Operations that were seen before are no longer there.
    #[error("the operation log was rolled back")]
    RolledBack,
    /// Other operations stand where operations were seen before.
    #[error("the operation log was rewritten")]
    Rewritten,
    /// The account's last operation ends it.
    #[error("the account was deactivated")]
    Tombstoned,
    /// The directory serves a document that is not the log's.
    #[error("the DID document contradicts the operation log")]
    DocumentDiffers,
}

impl LogError {
    /// The code for the UI.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "plc.too_large",
            Self::Malformed => "plc.malformed",
            Self::BadCid => "plc.bad_cid",
            Self::WrongGenesis => "plc.wrong_genesis",
            Self::BrokenChain => "plc.broken_chain",
            Self::Forged => "plc.forged",
            Self::IllegalFork => "plc.illegal_fork",
            Self::FalseNullification => "plc.false_nullification",
            Self::RolledBack => "plc.rolled_back",
            Self::Rewritten => "plc.rewritten",
            Self::Tombstoned => "plc.tombstoned",
            Self::DocumentDiffers => "plc.document_differs",
        }
    }
}
