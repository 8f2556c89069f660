//! Messages: written, sealed, received, read again (docs/protocol.md §3, §5).

pub mod compose;
mod error;
pub(crate) mod forget;
pub mod history;
mod place;
pub mod receive;
pub(crate) mod recertify;
pub(crate) mod renew;
pub mod seal;
pub mod start;
mod upkeep;

pub use crate::outbox::MessageState;
pub use compose::ComposeError;
pub use error::EngineError;
pub use history::{Conversation, Message};
pub use receive::{Incoming, Outcome, Source};
pub use upkeep::{housekeep, retry};

#[cfg(test)]
mod tests;
