//! The enabler document (docs/protocol.md §4.1): what a relay offers, and its limits.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The path of the document on a discovery domain.
pub const PATH: &str = "/.well-known/private-messaging-enabler.json";
/// The largest document in bytes that a client reads.
pub const MAX_DOCUMENT: usize = 64 * 1024;
/// The name of the capability of §4.4.
pub const KEY_PACKAGES: &str = "https://sotto.chat/pmr/key-packages";
/// The name of the capability of §4.8.
pub const ATTACHMENTS: &str = "https://sotto.chat/pmr/attachments";

/// What a relay says about itself. In JSON; fields that are not known here are passed over, as the
/// PMR draft's document grows by adding to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnablerDocument {
    /// Changes whenever the rest does.
    pub state: String,
    /// Media types of bodies.
    pub encodings: Vec<String>,
    /// What the relay serves. A capability that it does not serve is absent.
    pub capabilities: Capabilities,
}

/// The capabilities of a relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Registration, challenges, delivery.
    pub core: Core,
    /// First contact (§4.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub did_mailbox: Option<DidMailbox>,
    /// Grants (§4.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// Key packages (§4.4).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "https://sotto.chat/pmr/key-packages"
    )]
    pub key_packages: Option<KeyPackages>,
    /// Attachments (§4.8).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        rename = "https://sotto.chat/pmr/attachments"
    )]
    pub attachments: Option<Attachments>,
}

/// The capability `core`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Core {
    /// Versions of the API, newest last.
    pub versions: Vec<String>,
    /// The start of its paths.
    pub path_prefix: String,
    /// How long a challenge stays valid, in seconds.
    pub challenge_expiry: u64,
    /// The most acknowledgements in one request.
    pub max_ack_batch: u64,
    /// The most deliveries that a socket sends ahead of their acknowledgements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u64>,
    /// The most challenges for one network address in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenges_per_minute: Option<u64>,
    /// The most registrations from one network address in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrations_per_minute: Option<u64>,
    /// The most requests of one device in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
}

/// The capability `didMailbox`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DidMailbox {
    /// Versions of the API, newest last.
    pub versions: Vec<String>,
    /// The start of its paths.
    pub path_prefix: String,
    /// The largest message in bytes.
    pub message_max_bytes: u64,
    /// How long a message is kept, in seconds.
    pub message_expiry: u64,
    /// The most messages of one sender with a reservation that wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_waiting: Option<u64>,
    /// The most first contacts from one network address in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub puts_per_minute: Option<u64>,
    /// The most senders that an account may block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_blocks: Option<u64>,
}

/// The capability `grant`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Versions of the API, newest last.
    pub versions: Vec<String>,
    /// The start of its paths.
    pub path_prefix: String,
    /// The largest message in bytes.
    pub message_max_bytes: u64,
    /// How long a message is kept, in seconds.
    pub message_expiry: u64,
    /// `active` where new grants are issued.
    pub lifecycle: String,
    /// The most grants in one request.
    pub max_per_request: u64,
    /// The most grants of one device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_grants: Option<u64>,
    /// How long a grant lasts, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_expiry: Option<u64>,
    /// The most messages that wait for one grant; more are lost after their 202.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_waiting: Option<u64>,
    /// The most puts from one network address in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub puts_per_minute: Option<u64>,
}

/// The capability [`KEY_PACKAGES`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyPackages {
    /// Versions of the API, newest last.
    pub versions: Vec<String>,
    /// The start of its paths.
    pub path_prefix: String,
    /// The most single-use packages that are kept for a device.
    pub max_single_use: u64,
    /// The most claims that an account may make in an hour.
    pub claims_per_hour: u64,
    /// The largest package in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_max_bytes: Option<u64>,
    /// The most claims and fetches from one network address in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lookups_per_minute: Option<u64>,
    /// The most single-use packages of one account that are handed out in a day; then its last resorts are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single_use_per_day: Option<u64>,
    /// The most of them to one claimant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single_use_per_claimant: Option<u64>,
}

/// The capability [`ATTACHMENTS`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachments {
    /// Versions of the API, newest last.
    pub versions: Vec<String>,
    /// The start of its paths.
    pub path_prefix: String,
    /// The largest object in bytes.
    pub object_max_bytes: u64,
    /// How many bytes one account may keep.
    pub account_max_bytes: u64,
    /// How long an object is kept, in seconds.
    pub object_expiry: u64,
    /// The most objects that one network address may fetch in a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetches_per_minute: Option<u64>,
}

impl EnablerDocument {
    /// The document of a relay; `state` is computed from the rest.
    #[must_use]
    pub fn new(encodings: Vec<String>, capabilities: Capabilities) -> Self {
        let rest = serde_json::to_vec(&(&encodings, &capabilities)).unwrap_or_default();
        Self {
            state: hex::encode(Sha256::digest(rest)),
            encodings,
            capabilities,
        }
    }

    /// The document as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a document; `None` where it is larger than [`MAX_DOCUMENT`] or not such a document.
    #[must_use]
    pub fn from_json(json: &[u8]) -> Option<Self> {
        if json.len() > MAX_DOCUMENT {
            return None;
        }
        serde_json::from_slice(json).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(max_ack_batch: u64) -> EnablerDocument {
        let core = Core {
            versions: vec!["1".into()],
            path_prefix: "/pmr/v1".into(),
            challenge_expiry: 300,
            max_ack_batch,
            ..Core::default()
        };
        let key_packages = KeyPackages {
            versions: vec!["1".into()],
            path_prefix: "/pmr/v1".into(),
            max_single_use: 100,
            claims_per_hour: 60,
            ..KeyPackages::default()
        };
        let capabilities = Capabilities {
            core,
            did_mailbox: None,
            grant: None,
            key_packages: Some(key_packages),
            attachments: None,
        };
        EnablerDocument::new(vec!["application/cbor".into()], capabilities)
    }

    #[test]
    fn state_follows_the_content() {
        assert_eq!(document(1).state, document(1).state);
        assert_ne!(document(1).state, document(2).state);
        assert_eq!(document(1).state.len(), 64);
    }

    #[test]
    fn names_are_those_of_the_draft() {
        let json: serde_json::Value = serde_json::from_str(&document(5).to_json()).unwrap();
        assert_eq!(json["capabilities"]["core"]["maxAckBatch"], 5);
        assert_eq!(json["capabilities"][KEY_PACKAGES]["claimsPerHour"], 60);
        assert!(json["capabilities"].get("grant").is_none());
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let mut json = serde_json::to_value(document(5)).unwrap();
        json["more"] = 1.into();
        json["capabilities"]["core"]["vapidKey"] = "x".into();
        let read = EnablerDocument::from_json(json.to_string().as_bytes());
        assert_eq!(read, Some(document(5)));
        assert_eq!(EnablerDocument::from_json(b"{}"), None);
        let large = vec![b' '; MAX_DOCUMENT + 1];
        assert_eq!(EnablerDocument::from_json(&large), None);
    }
}
