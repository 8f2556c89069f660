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

/// `POST /pmr/v1/registrations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationRequest {
    /// The account.
    pub did: Did,
    /// Its delegate key.
    pub key: PublicKey,
    /// The certificate of the registering device, as a signed object.
    #[serde(with = "serde_bytes")]
    pub cert: Vec<u8>,
    /// The roster with that certificate, as a signed object.
    #[serde(with = "serde_bytes")]
    pub roster: Vec<u8>,
    /// A claim that is about to be published: it names this relay, where the record still names
    /// another one.
    #[serde(default, with = "serde_bytes", skip_serializing_if = "Option::is_none")]
    pub claim: Option<Vec<u8>>,
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
}
