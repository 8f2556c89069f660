//! The CBOR structure of payloads, apart from the type that callers use.

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteBuf, Bytes};

use super::{
    Ack, GROUP_ID_LEN, Link, Lost, MARK_LEN, MAX_ACKS, MAX_ITEMS, Mark, Payload, PayloadError,
    PayloadGrant,
};
use crate::cbor::byte_strings;

const VERSION: u64 = 1;

/// A payload to be written; fields in the order of the encoding.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Borrowed<'a> {
    v: u64,
    seq: u64,
    acks: Vec<(&'a Bytes, u64, &'a Bytes)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<(&'a Bytes, &'a Bytes)>,
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
                .map(|ack| (Bytes::new(&ack.group), ack.seq, Bytes::new(&ack.mark)))
                .collect(),
            link: payload
                .link
                .as_ref()
                .map(|link| (Bytes::new(&link.after), Bytes::new(&link.mark))),
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

fn parse_ack((group, seq, mark): (ByteBuf, u64, ByteBuf)) -> Option<Ack> {
    let group = group.into_vec();
    let mark = parse_mark(&mark)?;
    (group.len() == GROUP_ID_LEN).then_some(Ack { group, seq, mark })
}

fn parse_link((after, mark): (ByteBuf, ByteBuf)) -> Option<Link> {
    Some(Link {
        after: parse_mark(&after)?,
        mark: parse_mark(&mark)?,
    })
}

fn parse_mark(bytes: &[u8]) -> Option<Mark> {
    <[u8; MARK_LEN]>::try_from(bytes).ok()
}

/// A payload that was read; fields in the order of the encoding.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Owned {
    v: u64,
    seq: u64,
    acks: Vec<(ByteBuf, u64, ByteBuf)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<(ByteBuf, ByteBuf)>,
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
        if too_many {
            return Err(PayloadError::Limit);
        }
        // What is neither kept nor numbered has no place in the sequence.
        if self.link.is_some() && self.seq == 0 {
            return Err(PayloadError::Malformed);
        }
        // Typing is of the moment; a frame that is kept and repeated says nothing of it.
        if self.typing && self.seq != 0 {
            return Err(PayloadError::Malformed);
        }
        let lost = self.lost.iter().map(|it| parse_lost(it));
        let lost = lost.collect::<Option<_>>().ok_or(PayloadError::Limit)?;
        let acks = self.acks.into_iter().map(parse_ack);
        let acks = acks.collect::<Option<_>>().ok_or(PayloadError::Limit)?;
        let link = match self.link {
            Some(link) => Some(parse_link(link).ok_or(PayloadError::Limit)?),
            None => None,
        };
        Ok(Payload {
            seq: self.seq,
            acks,
            link,
            lost,
            first: self.first,
            typing: self.typing,
            content: self.content,
            grants: self.grants,
            key_packages: self.key_packages,
        })
    }
}
