//! What messages say of one another: replies, reactions, edits, deletions, reports, and when they
//! disappear (docs/protocol.md §5). Whether the peer may say it is decided here.

mod apply;
mod early;
mod erase;
mod expiry;
mod receipts;
mod target;
mod unheard;
mod write;

pub(super) use apply::{Event, by_peer, text_of};
pub(super) use early::{Early, forget as forget_early};
pub(super) use erase::recount;
pub(super) use expiry::{Expiry, expiry_of};
pub use expiry::{next as next_expiry, sweep};
pub(super) use receipts::mark_read;
pub use receipts::{Receipts, receipts, set_receipts};
pub(super) use target::resolved;
pub(super) use unheard::tell as tell_unheard;
#[cfg(test)]
pub(super) use write::event;
pub use write::{Edit, delete, edit, edits, react, set_timer};

/// The longest time after which messages disappear: a year, in seconds.
pub const MAX_TIMER: u32 = 365 * 24 * 60 * 60;

/// What a row of `message` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub(crate) enum Kind {
    /// A message that is shown.
    Shown = 0,
    /// It says something of other messages.
    Event = 1,
    /// Gone from here.
    Gone = 2,
}
