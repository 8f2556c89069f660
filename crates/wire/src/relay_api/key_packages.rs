//! Bodies of the key package endpoints (docs/protocol.md §4.4).

use serde::{Deserialize, Serialize};

use crate::{cbor::byte_strings, device::DeviceId, did::Did};

/// `PUT /pmr/v1/key-packages`: what a device takes away and adds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeyPackagesPut {
    /// Packages that are not to be handed out any more, each as its SHA-256; taken away before
    /// anything is added.
    #[serde(default, with = "byte_strings", skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<Vec<u8>>,
    /// Packages to be handed out once each.
    #[serde(with = "byte_strings")]
    pub single_use: Vec<Vec<u8>>,
    /// The package for when no other is left; replaces the one before.
    #[serde(default, with = "serde_bytes", skip_serializing_if = "Option::is_none")]
    pub last_resort: Option<Vec<u8>>,
}

/// The answer to `PUT` and `GET /pmr/v1/key-packages`: what the relay holds for the device, each
/// as the SHA-256 of the package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeyPackagesState {
    /// Packages that nobody has claimed.
    #[serde(with = "byte_strings")]
    pub single_use: Vec<Vec<u8>>,
    /// The last resort.
    #[serde(with = "serde_bytes")]
    pub last_resort: Option<Vec<u8>>,
}

/// `POST /pmr/v1/key-packages/{did}/claims`: who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// Chosen anew for every send group to be made: a repetition with the same one gets the same
    /// packages, another one never does.
    #[serde(with = "serde_bytes")]
    pub id: [u8; 16],
    /// The account that asks.
    pub did: Did,
    /// The certificate of the asking device, as a signed object.
    #[serde(with = "serde_bytes")]
    pub cert: Vec<u8>,
}

/// The answer to a claim, and to `GET /pmr/v1/key-packages/{did}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimResponse {
    /// The account's roster, as a signed object.
    #[serde(with = "serde_bytes")]
    pub roster: Vec<u8>,
    /// One package per device.
    pub packages: Vec<ClaimedPackage>,
}

/// A key package of one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClaimedPackage {
    /// The package, which the relay did not parse.
    #[serde(with = "serde_bytes")]
    pub package: Vec<u8>,
    /// The device, as the relay says.
    pub device_id: DeviceId,
    /// Whether it is the device's last resort.
    pub last_resort: bool,
}
