//! What can be wrong with a file, by what the user can do about it.

use std::io;

/// Why a file is not sent, fetched or saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachmentProblem {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// A folder, or something else that is no file.
    #[error("not a file")]
    NotAFile,
    /// 0 bytes.
    #[error("the file is empty")]
    Empty,
    /// Above [`sotto_wire::attachment::MAX_FILE`].
    #[error("the file is too large")]
    TooLarge,
    /// It is not what it was when it was chosen.
    #[error("the file was changed meanwhile")]
    Changed,
    /// The system does not let it be read.
    #[error("the file cannot be read")]
    Unreadable,
    /// This machine's disk.
    #[error("the disk is full")]
    DiskFull,
    /// The system does not let it be written.
    #[error("the file cannot be written")]
    Unwritable,
    /// The own relay keeps no more for this account.
    #[error("the relay keeps no more for this account")]
    Quota,
    /// The own relay's disk.
    #[error("the relay has no room")]
    RelayFull,
    /// The own relay does not keep files, or not this one.
    #[error("the relay does not take files")]
    Refused,
    /// What the message says about it makes no sense.
    #[error("the message does not say where the file is")]
    Invalid,
    /// What the relay has is not what was sent.
    #[error("the file is damaged")]
    Damaged,
    /// The relay has it no more.
    #[error("the file is not there any more")]
    Gone,
    /// It has to be fetched first.
    #[error("the file is not here")]
    NotHere,
    /// There is no such attachment.
    #[error("unknown attachment")]
    Unknown,
}

impl AttachmentProblem {
    /// Stable code for the user interface.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "attachment.missing",
            Self::NotAFile => "attachment.not_a_file",
            Self::Empty => "attachment.empty",
            Self::TooLarge => "attachment.too_large",
            Self::Changed => "attachment.changed",
            Self::Unreadable => "attachment.unreadable",
            Self::DiskFull => "attachment.disk_full",
            Self::Unwritable => "attachment.unwritable",
            Self::Quota => "attachment.quota",
            Self::RelayFull => "attachment.relay_full",
            Self::Refused => "attachment.refused",
            Self::Invalid => "attachment.invalid",
            Self::Damaged => "attachment.damaged",
            Self::Gone => "attachment.gone",
            Self::NotHere => "attachment.not_here",
            Self::Unknown => "attachment.unknown",
        }
    }

    /// Of reading a file of the user's.
    pub(crate) fn of_reading(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::IsADirectory => Self::NotAFile,
            _ => Self::Unreadable,
        }
    }

    /// Of writing a file.
    pub(crate) fn of_writing(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::DiskFull,
            _ => Self::Unwritable,
        }
    }
}
