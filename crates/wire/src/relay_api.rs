//! Paths, bodies and events of the relay API (docs/protocol.md §4).
//!
//! Bodies are read with [`crate::cbor::decode`] and written with [`crate::cbor::encode`].

pub mod coming_back;
mod event;
mod grants;
mod key_packages;
mod mailbox;
mod messages;
mod objects;
pub mod paths;
mod registration;

pub use event::{Capabilities, Event, EventError};
pub use grants::{
    GrantLifecycle, GrantList, GrantPatch, GrantsPatch, GrantsRequest, GrantsResponse, ListedGrant,
};
pub use key_packages::{
    ClaimRequest, ClaimResponse, ClaimedPackage, KeyPackagesPut, KeyPackagesState,
};
pub use mailbox::{Adjudication, Blocks, MailboxKey, Pool, message_id};
pub use messages::{Ack, Acks, Delivery, MessagesPage};
pub use objects::{ListedObject, ObjectList};
pub use registration::{
    AnchorStatus, ErrorBody, Paused, RegistrationPatch, RegistrationRequest, RegistrationStatus,
};

/// The media type of bodies.
pub const CONTENT_TYPE: &str = "application/cbor";
/// What a body may add to the capability's `messageMaxBytes`.
pub const BODY_OVERHEAD: usize = 4096;
/// The largest body of the key package endpoints in bytes.
pub const MAX_KEY_PACKAGES_BODY: usize = 1 << 20;
/// The largest key package in bytes.
pub const MAX_KEY_PACKAGE: usize = 16 * 1024;
/// The largest body of the other endpoints whose bodies hold no message, in bytes.
pub const MAX_SMALL_BODY: usize = 64 * 1024;
/// The most messages in a page of `GET /pmr/v1/messages`.
pub const MAX_PAGE: usize = 100;
/// The most objects in a page of `GET /pmr/v1/attachments`.
pub const MAX_OBJECT_PAGE: usize = 500;

#[cfg(test)]
mod tests;
