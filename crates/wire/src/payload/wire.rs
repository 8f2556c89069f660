//! The CBOR structure of payloads, apart from the type that callers use.

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};

use super::{Ack, GROUP_ID_LEN, MAX_ACKS, MAX_ITEMS, Payload, PayloadError, PayloadGrant};
use crate::cbor::byte_strings;

const VERSION: u64 = 1;

/// A payload to be written; fields in the order of the encoding.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Borrowed<'a> {
    v: u64,
    seq: u64,
    acks: Vec<(&'a Bytes, u64)>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    grants: &'a [PayloadGrant],
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a Bytes>,
    #[serde(
        skip_serializing_if = "<[_]>::is_empty",
        serialize_with = "byte_strings::serialize"
    )]
    key_packages: &'a [Vec<u8>],
}

impl<'a> From<&'a Payload> for Borrowed<'a> {
    fn from(payload: &'a Payload) -> Self {
        Self {
            v: VERSION,
            seq: payload.seq,
            acks: payload
                .acks
                .iter()
                .map(|ack| (Bytes::new(&ack.group), ack.seq))
                .collect(),
            grants: &payload.grants,
            content: payload.content.as_deref().map(Bytes::new),
            key_packages: &payload.key_packages,
        }
    }
}

/// A payload that was read; fields in the order of the encoding.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Owned {
    v: u64,
    seq: u64,
    acks: Vec<(ByteBuf, u64)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grants: Vec<PayloadGrant>,
    #[serde(default, with = "serde_bytes", skip_serializing_if = "Option::is_none")]
    content: Option<Vec<u8>>,
    #[serde(default, with = "byte_strings", skip_serializing_if = "Vec::is_empty")]
    key_packages: Vec<Vec<u8>>,
}

impl Owned {
    /// Applies the limits that the structure alone does not.
    pub(super) fn check(self) -> Result<Payload, PayloadError> {
        if self.v != VERSION {
            return Err(PayloadError::Version);
        }
        let too_many = self.acks.len() > MAX_ACKS
            || self.grants.len() > MAX_ITEMS
            || self.key_packages.len() > MAX_ITEMS;
        if too_many
            || self
                .acks
                .iter()
                .any(|(group, _)| group.len() != GROUP_ID_LEN)
        {
            return Err(PayloadError::Limit);
        }
        let acks = self.acks.into_iter().map(|(group, seq)| Ack {
            group: group.into_vec(),
            seq,
        });
        Ok(Payload {
            seq: self.seq,
            acks: acks.collect(),
            content: self.content,
            grants: self.grants,
            key_packages: self.key_packages,
        })
    }
}
