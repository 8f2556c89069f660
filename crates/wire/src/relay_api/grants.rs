//! Bodies of the grant endpoints (docs/protocol.md §4.6). The put itself is
//! [`crate::grant::GrantPut`].

use serde::{Deserialize, Serialize};

use crate::{
    grant::{Address, IssuedGrant},
    time::Timestamp,
};

/// `POST /pmr/v1/grants`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantsRequest {
    /// How many grants are wanted, at most the capability's `maxPerRequest`.
    pub n: u64,
}

/// The answer to a [`GrantsRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantsResponse {
    /// The new grants.
    pub grants: Vec<IssuedGrant>,
}

/// `GET /pmr/v1/grants`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantList {
    /// The device's grants.
    pub grants: Vec<ListedGrant>,
}

/// A grant as its relay lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedGrant {
    /// Whether puts at it are dropped for now.
    pub closed: bool,
    /// Its address.
    pub address: Address,
    /// When the relay stops to honour it.
    pub expires: Timestamp,
}

/// `PATCH /pmr/v1/grants/{address}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantPatch {
    /// Whether puts at it are to be dropped.
    pub closed: bool,
}
