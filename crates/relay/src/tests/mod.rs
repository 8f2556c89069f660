//! Whole exchanges with a relay over real HTTP and WebSocket.

mod anchor;
mod answer;
mod attachments;
mod blocks;
mod bounds;
mod closure;
mod closure_in_numbers;
mod crash;
mod declarations;
pub(crate) mod doubles;
mod draft;
mod events;
mod first_contact;
mod grants;
mod key_packages;
mod people;
mod pool;
#[cfg(unix)]
pub(crate) mod postgres;
mod privacy;
mod puts;
mod queue;
mod registration;
mod restore;
#[cfg(unix)]
mod several;
mod signatures;
mod socket;
mod world;
