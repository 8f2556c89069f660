//! The CBOR structure of payloads, apart from the type that callers use.

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};

use super::{Ack, GROUP_ID_LEN, Lost, MAX_ACKS, MAX_ITEMS, Payload, PayloadError, PayloadGrant};
use crate::cbor::byte_strings;

const VERSION: u64 = 1;

/// A payload to be written; fields in the order of the encoding.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Borrowed<'a> {
    v: u64,
    seq: u64,
    acks: Vec<(&'a Bytes, u64)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lost: Vec<&'a Bytes>,
    first: u64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    grants: &'a [PayloadGrant],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    typing: bool,
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
            lost: payload.lost.iter().map(lost).collect(),
            first: payload.first,
            grants: &payload.grants,
            typing: payload.typing,
            content: payload.content.as_deref().map(Bytes::new),
            key_packages: &payload.key_packages,
        }
    }
}

fn lost(lost: &Lost) -> &Bytes {
    Bytes::new(match lost {
        Lost::Group(id) => id,
        Lost::Welcome(digest) => digest,
    })
}

fn parse_lost(bytes: &[u8]) -> Option<Lost> {
    let group = bytes.try_into().map(Lost::Group);
    group.or_else(|_| bytes.try_into().map(Lost::Welcome)).ok()
}

/// A payload that was read; fields in the order of the encoding.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Owned {
    v: u64,
    seq: u64,
    acks: Vec<(ByteBuf, u64)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lost: Vec<ByteBuf>,
    first: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grants: Vec<PayloadGrant>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    typing: bool,
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
            || self.lost.len() > MAX_ITEMS
            || self.key_packages.len() > MAX_ITEMS;
        if too_many
            || self
                .acks
                .iter()
                .any(|(group, _)| group.len() != GROUP_ID_LEN)
        {
            return Err(PayloadError::Limit);
        }
        // Typing is of the moment; a frame that is kept and repeated says nothing of it.
        if self.typing && self.seq != 0 {
            return Err(PayloadError::Malformed);
        }
        let lost = self.lost.iter().map(|it| parse_lost(it));
        let lost = lost.collect::<Option<_>>().ok_or(PayloadError::Limit)?;
        let acks = self.acks.into_iter().map(|(group, seq)| Ack {
            group: group.into_vec(),
            seq,
        });
        Ok(Payload {
            seq: self.seq,
            acks: acks.collect(),
            lost,
            first: self.first,
            typing: self.typing,
            content: self.content,
            grants: self.grants,
            key_packages: self.key_packages,
        })
    }
}
