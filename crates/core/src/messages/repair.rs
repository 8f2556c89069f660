//! Loss and repair (docs/protocol.md §3.7): what proves that something cannot be read, how it is asked for
//! again, and how an own send group is begun anew. Everything here is bounded: whatever a peer sends,
//! an own group is replaced for its sake at most once an hour.

mod asking;
mod renewal;
mod set_back;
mod silence;
mod unread;

pub(super) use asking::{asked, joined, repeat, take};
pub(crate) use renewal::{carry_out, forget, is_due};
pub(crate) use set_back::everywhere;
pub(super) use set_back::set_back;
pub(super) use silence::heard;
pub(super) use unread::{FORKED, unread};

const HOUR: u64 = 60 * 60 * 1000;
const DAY: u64 = 24 * HOUR;
