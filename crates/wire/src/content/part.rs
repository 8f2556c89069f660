//! Content as the draft's grammar has it, and the tree of its parts.

use super::{Body, Content, ContentError, Expires, ExternalPart, MAX_PARTS, body, read::Reader};

/// How deep parts may nest (draft-ietf-mimi-content-08 §6.3).
const DEPTH: usize = 4;

pub(super) mod disposition {
    pub(in crate::content) const UNSPECIFIED: u8 = 0;
    pub(in crate::content) const RENDER: u8 = 1;
    pub(in crate::content) const REACTION: u8 = 2;
    pub(in crate::content) const INLINE: u8 = 4;
    pub(in crate::content) const ICON: u8 = 5;
    pub(in crate::content) const ATTACHMENT: u8 = 6;
    pub(in crate::content) const PREVIEW: u8 = 8;
}

pub(super) mod cardinality {
    pub(in crate::content) const NULL: u8 = 0;
    pub(in crate::content) const SINGLE: u8 = 1;
    pub(in crate::content) const EXTERNAL: u8 = 2;
    pub(in crate::content) const MULTI: u8 = 3;
}

/// How the parts of a part belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Semantics {
    ChooseOne = 0,
    SingleUnit = 1,
    ProcessAll = 2,
}

pub(super) struct Part<'a> {
    pub(super) disposition: u8,
    pub(super) kind: Kind<'a>,
}

pub(super) enum Kind<'a> {
    Null,
    Single { typ: &'a str, content: &'a [u8] },
    External(Box<ExternalPart>),
    Multi(Semantics, Vec<Part<'a>>),
}

pub(super) fn decode(bytes: &[u8]) -> Result<Content, ContentError> {
    let mut reader = Reader::new(bytes);
    reader.array_of(7)?;
    let salt = reader.bytes_of()?;
    let replaces = reader.message_id()?;
    let _topic = reader.bytes()?;
    let expires = reader.or_null(expires)?;
    let in_reply_to = reader.message_id()?;
    reader.extensions()?;
    let (part, count) = tree(&mut reader)?;
    reader.end()?;
    let mut content = Content {
        salt,
        replaces,
        expires,
        in_reply_to,
        body: Body::Unsupported,
    };
    if count <= MAX_PARTS {
        content.body = body::of(&part, &content).unwrap_or(Body::Unsupported);
    }
    Ok(content)
}

fn expires(reader: &mut Reader<'_>) -> Result<Expires, ContentError> {
    reader.array_of(2)?;
    Ok(match (reader.bool()?, reader.uint()?) {
        (true, seconds) => Expires::After(seconds),
        (false, time) => Expires::At(time),
    })
}

/// The outermost part, and how many there are.
fn tree<'a>(reader: &mut Reader<'a>) -> Result<(Part<'a>, usize), ContentError> {
    let mut count = 0;
    let part = part(reader, 1, &mut count)?;
    Ok((part, count))
}

fn part<'a>(
    reader: &mut Reader<'a>,
    depth: usize,
    count: &mut usize,
) -> Result<Part<'a>, ContentError> {
    if depth > DEPTH {
        return Err(ContentError::Malformed);
    }
    *count += 1;
    let fields = reader.array()?;
    let disposition = reader.uint()?;
    let _language = reader.text()?;
    let kind = match (reader.uint()?, fields) {
        (cardinality::NULL, 3) => Kind::Null,
        (cardinality::SINGLE, 5) => Kind::Single {
            typ: reader.text()?,
            content: reader.bytes()?,
        },
        (cardinality::EXTERNAL, 15) => Kind::External(external(reader, disposition)?),
        (cardinality::MULTI, 5) => multi(reader, depth, count)?,
        _ => return Err(ContentError::Malformed),
    };
    Ok(Part { disposition, kind })
}

fn multi<'a>(
    reader: &mut Reader<'a>,
    depth: usize,
    count: &mut usize,
) -> Result<Kind<'a>, ContentError> {
    let semantics = match reader.uint()? {
        0u8 => Semantics::ChooseOne,
        1 => Semantics::SingleUnit,
        2 => Semantics::ProcessAll,
        _ => return Err(ContentError::Malformed),
    };
    let len = reader.array()?;
    if len < 2 {
        return Err(ContentError::Malformed);
    }
    let mut parts = Vec::new();
    for _ in 0..len {
        let part = part(reader, depth + 1, count)?;
        // With too many of them nothing is done with any: they are only checked.
        if *count <= MAX_PARTS {
            parts.push(part);
        }
    }
    Ok(Kind::Multi(semantics, parts))
}

fn external(reader: &mut Reader<'_>, disposition: u8) -> Result<Box<ExternalPart>, ContentError> {
    Ok(Box::new(ExternalPart {
        disposition: disposition.into(),
        content_type: reader.text()?.to_owned(),
        url: reader.text()?.to_owned(),
        expires: reader.uint()?,
        size: reader.uint()?,
        enc_alg: reader.uint()?,
        key: reader.bytes()?.to_vec().into(),
        nonce: reader.bytes()?.to_vec(),
        aad: reader.bytes()?.to_vec(),
        hash_alg: reader.uint()?,
        content_hash: reader.bytes()?.to_vec(),
        description: reader.text()?.to_owned(),
        filename: reader.text()?.to_owned(),
    }))
}
