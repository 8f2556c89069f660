//! Bodies of registration (docs/protocol.md §4.3), and errors.

use serde::{Deserialize, Serialize};

use crate::{device::DeviceId, did::Did, key::PublicKey};

/// The body of an error answer to an owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorBody {
    /// With `quota` (§4.8), how many bytes there is room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
    /// A stable code, such as `not-delegated`.
    pub error: String,
}

/// `POST /pmr/v1/registrations`: of a device, with certificate and roster, or of the delegate key alone,
/// without both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationRequest {
    /// The account.
    pub did: Did,
    /// Its delegate key.
    pub key: PublicKey,
    /// The certificate of the registering device, as a signed object.
    #[serde(default, with = "serde_bytes", skip_serializing_if = "Option::is_none")]
    pub cert: Option<Vec<u8>>,
    /// The roster with that certificate, as a signed object.
    #[serde(default, with = "serde_bytes", skip_serializing_if = "Option::is_none")]
    pub roster: Option<Vec<u8>>,
    /// A claim that is about to be published: it names this relay, where the record still names
    /// another one.
    #[serde(default, with = "serde_bytes", skip_serializing_if = "Option::is_none")]
    pub claim: Option<Vec<u8>>,
}

/// `PATCH /pmr/v1/registration`: what is to change. Whatever it is, the relay looks at the account's
/// declaration anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationPatch {
    /// The device's certificate, with a roster.
    #[serde(default, with = "serde_bytes", skip_serializing_if = "Option::is_none")]
    pub cert: Option<Vec<u8>>,
    /// A newer roster, with the device's certificate.
    #[serde(default, with = "serde_bytes", skip_serializing_if = "Option::is_none")]
    pub roster: Option<Vec<u8>>,
}

/// Why a relay takes no mail for an account's DID mailbox (docs/protocol.md §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Paused {
    /// The account declares no key.
    Gone,
    /// It declares another key, and the one that is registered does not lead to it.
    KeyChanged,
    /// What it declares does not verify.
    Refused,
}

/// `GET /pmr/v1/registration`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RegistrationStatus {
    /// The account.
    pub did: Did,
    /// The requesting device.
    pub device_id: DeviceId,
    /// The `seq` of the roster that the relay holds.
    pub roster_seq: u64,
    /// Why it takes no mail for the DID mailbox; absent where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
}

/// The same of an account whose delegate key is registered alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorStatus {
    /// The account.
    pub did: Did,
    /// Its delegate key.
    pub key: PublicKey,
    /// Why the relay takes no mail for the DID mailbox; absent where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
}
