//! Bodies of the grant endpoints (docs/protocol.md §4.6). The put itself is
//! [`crate::grant::GrantPut`].

use serde::{Deserialize, Serialize};

use crate::{
    grant::{Address, IssuedGrant},
    time::Timestamp,
};

/// Whether a relay issues grants (§4.6): to anyone, in its enabler document; to one device, in
/// `#capabilities`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantLifecycle {
    /// It does.
    #[default]
    Active,
    /// No new ones; what is put at those it has issued arrives until they end.
    Draining,
    /// No new ones, and no old one is left.
    Absent,
}

impl GrantLifecycle {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Absent => "absent",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Active, Self::Draining, Self::Absent];
        all.into_iter().find(|state| state.as_str() == name)
    }
}

/// `PATCH /pmr/v1/grants`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantsPatch {
    /// Whether the device wants no new grants here, as it is about to leave.
    pub draining: bool,
}

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
