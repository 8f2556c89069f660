//! What waits to be sealed, what waits to be put, and what waits to be acknowledged
//! (docs/protocol.md §3.3).

mod acks;
mod checks;
mod commits;
mod frames;
mod fresh;
pub mod grant_stock;
mod needs;
mod puts;
mod retire;
mod retry;
mod schedule;

pub(crate) use acks::{Acknowledged, acknowledge, remember_groups};
pub(crate) use checks::to_check;
pub(crate) use commits::{
    OwnEpoch, Staple, insert_commit, retire_epoch, retired_groups, staples, take_acknowledged,
    take_expired,
};
pub(crate) use frames::{NewFrame, NewPut, ask_for_frame, insert_frame, insert_put, link_of};
pub(crate) use needs::needs_grants;
pub use needs::{Need, needs, waiting};
pub use puts::{Put, PutResult, Route, due, due_now, next_due, settle};
pub(crate) use retire::retire;
pub(crate) use retry::{expire, retry};

/// First-contact envelopes that may be unacknowledged in one conversation (§3.4).
pub const MAX_OUTSTANDING: usize = 16;

/// What has become of a message; stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub enum MessageState {
    /// Not yet with every relay it goes to.
    Sending = 0,
    /// Every addressed relay has answered 202.
    Sent = 1,
    /// Every addressed device has acknowledged it.
    Delivered = 2,
    /// Given up.
    Failed = 3,
    /// From the peer.
    Received = 4,
    /// The peer has said that it has read it.
    Read = 5,
}

impl MessageState {
    /// From what is stored.
    pub(crate) fn from_stored(value: i64) -> Option<Self> {
        [
            Self::Sending,
            Self::Sent,
            Self::Delivered,
            Self::Failed,
            Self::Received,
            Self::Read,
        ]
        .into_iter()
        .find(|state| *state as i64 == value)
    }
}
