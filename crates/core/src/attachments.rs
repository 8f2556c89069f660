//! Files that go with messages, apart from tables and network: names, types, pictures, and their
//! encrypted pieces on the disk (docs/protocol.md §4.8).

#[cfg(feature = "testing")]
pub(crate) mod entries;
mod error;
pub(crate) mod file_name;
pub(crate) mod folder;
pub(crate) mod reading;
pub(crate) mod saving;
pub(crate) mod sniff;
pub(crate) mod thumbnail;

pub(crate) use error::AttachmentProblem;
