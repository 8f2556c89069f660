//! Messages: written, sealed, received, read again (docs/protocol.md §3, §5).

pub mod compose;
pub mod history;
mod place;
pub mod receive;
pub mod seal;
pub mod start;

pub use crate::outbox::{EngineError, MessageState};
pub use compose::ComposeError;
pub use history::{Conversation, Message};
pub use receive::{Incoming, Outcome, Source};

#[cfg(test)]
mod tests;
