//! Paths of the relay API, as they stand in a request line.

use crate::{attachment::ObjectName, did::Did, grant::Address};

/// `POST` a [`crate::challenge::ChallengeRequest`] (§4.2).
pub const CHALLENGES: &str = "/pmr/v1/challenges";
/// `POST` a registration (§4.3).
pub const REGISTRATIONS: &str = "/pmr/v1/registrations";
/// `GET`, `PATCH` or `DELETE` the requester's registration (§4.3).
pub const REGISTRATION: &str = "/pmr/v1/registration";
/// `PUT` or `GET` one's own key packages (§4.4).
pub const KEY_PACKAGES: &str = "/pmr/v1/key-packages";
/// `GET` the senders in the pool (§4.5).
pub const POOL: &str = "/pmr/v1/pool";
/// `POST` an adjudication of the pool (§4.5).
pub const ADJUDICATION: &str = "/pmr/v1/pool/adjudication";
/// `GET` the senders that are blocked (§4.5).
pub const BLOCKS: &str = "/pmr/v1/blocks";
/// `POST` for new grants, `GET` the list (§4.6).
pub const GRANTS: &str = "/pmr/v1/grants";
/// WebSocket of deliveries (§4.7).
pub const EVENTS: &str = "/pmr/v1/events";
/// `GET` the queue (§4.7).
pub const MESSAGES: &str = "/pmr/v1/messages";
/// `POST` acknowledgements (§4.7).
pub const ACKS: &str = "/pmr/v1/messages/acks";
/// Objects of attachments, each under its name (§4.8).
pub const ATTACHMENTS: &str = "/pmr/v1/attachments";

/// `PUT`, `HEAD`, `GET` or `DELETE` an object (§4.8).
#[must_use]
pub fn attachment(name: &ObjectName) -> String {
    format!("{ATTACHMENTS}/{name}")
}

/// `GET` the last-resort packages of an account, without authentication (§4.4).
#[must_use]
pub fn key_packages_of(did: &Did) -> String {
    format!("{KEY_PACKAGES}/{}", did.path_segment())
}

/// `POST` a claim of key packages of an account (§4.4).
#[must_use]
pub fn key_package_claims(did: &Did) -> String {
    format!("{KEY_PACKAGES}/{}/claims", did.path_segment())
}

/// `POST` a first-contact envelope (§4.5).
#[must_use]
pub fn did_mailbox(did: &Did) -> String {
    format!("/pmr/v1/inbox/{}/messages", did.path_segment())
}

/// `PUT` to block a sender, `DELETE` to unblock it (§4.5).
#[must_use]
pub fn block(did: &Did) -> String {
    format!("{BLOCKS}/{}", did.path_segment())
}

/// `POST` a put at a grant (§4.6).
#[must_use]
pub fn grant_mailbox(address: &Address) -> String {
    format!("/pmr/v1/inbox/grant:{address}/messages")
}

/// `PATCH` or `DELETE` one's own grant (§4.6).
#[must_use]
pub fn grant(address: &Address) -> String {
    format!("{GRANTS}/{address}")
}

/// The query of [`MESSAGES`], without its question mark, for the page behind a cursor (§4.7).
#[must_use]
pub fn messages_query(cursor: &str) -> String {
    let mut query = String::from("cursor=");
    for byte in cursor.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                query.push(char::from(byte));
            }
            _ => query.push_str(&format!("%{byte:02X}")),
        }
    }
    query
}
