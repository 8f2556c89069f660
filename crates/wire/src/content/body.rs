//! What content means here, out of the tree of its parts and back into one.

use ciborium::Value;
use unicode_segmentation::UnicodeSegmentation as _;

use super::{
    Content, ContentError, Disposition, Expires, ExternalPart, MAX_PARTS, MAX_REACTION,
    MAX_STATUSES, MAX_TEXT, MessageId,
    part::{Kind, Part, Semantics, cardinality, disposition},
    read::Reader,
};
use crate::cbor;

/// The status of a message that its recipient has read (draft-mahy-mimi-message-status).
pub const STATUS_READ: u8 = 2;

const TEXT_TYPE: &str = "text/plain;charset=utf-8";
const STATUS_TYPE: &str = "application/mimi-message-status";

/// What content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Text, at most [`MAX_TEXT`] bytes. Markdown is read as the text that it is.
    Text(String),
    /// Reactions to the message that `in_reply_to` names: one character each as people count
    /// them, at most [`MAX_REACTION`] bytes. Not empty, nothing twice.
    Reaction(Vec<String>),
    /// What `replaces` names is taken back.
    Delete {
        /// It is said to be a reaction.
        reaction: bool,
    },
    /// What has become of messages of the recipient: message and status.
    Status(Vec<(MessageId, u8)>),
    /// Bytes that lie elsewhere, at least one part, and what is said of them.
    Attachments {
        /// As in [`Body::Text`].
        text: Option<String>,
        /// In the order in which they were sent.
        parts: Vec<ExternalPart>,
    },
    /// Valid, and not known to this version: to be kept as it came, and shown as that.
    Unsupported,
}

/// What a part means; `None`: it is not supported.
pub(super) fn of(part: &Part<'_>, content: &Content) -> Option<Body> {
    match &part.kind {
        Kind::Null => content.replaces.map(|_| Body::Delete {
            reaction: part.disposition == disposition::REACTION,
        }),
        _ if part.disposition == disposition::REACTION => {
            content.in_reply_to?;
            let mut found = Vec::new();
            reactions(part, &mut found)?;
            Some(Body::Reaction(found))
        }
        Kind::Single { typ, content } if media_type(typ) == STATUS_TYPE => statuses(content).ok(),
        _ => {
            let mut shown = Shown::default();
            shown.add(part)?;
            shown.body()
        }
    }
}

fn reactions(part: &Part<'_>, found: &mut Vec<String>) -> Option<()> {
    match &part.kind {
        _ if part.disposition != disposition::REACTION => None,
        Kind::Single { typ, content } if is_text(typ) => {
            let text = std::str::from_utf8(content).ok()?;
            if !is_reaction(text) {
                return None;
            }
            if !found.iter().any(|known| known == text) {
                found.push(text.to_owned());
            }
            Some(())
        }
        Kind::Multi(Semantics::ProcessAll | Semantics::SingleUnit, parts) => {
            parts.iter().try_for_each(|part| reactions(part, found))
        }
        _ => None,
    }
}

/// Whether a text is one visible character as people count them.
pub(super) fn is_reaction(text: &str) -> bool {
    let invisible = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
    };
    text.len() <= MAX_REACTION
        && text.graphemes(true).nth(1).is_none()
        && text.chars().next().is_some_and(|first| !invisible(first))
}

fn statuses(report: &[u8]) -> Result<Body, ContentError> {
    let mut reader = Reader::new(report);
    let mut found = Vec::new();
    for _ in 0..reader.array()? {
        reader.array_of(2)?;
        found.push((reader.bytes_of()?, reader.uint()?));
    }
    reader.end()?;
    Ok(Body::Status(found))
}

/// The parts that are to be shown.
#[derive(Default)]
struct Shown {
    texts: Vec<String>,
    parts: Vec<ExternalPart>,
}

impl Shown {
    /// `None`: there is something that this version cannot show. What was added until then stays.
    fn add(&mut self, part: &Part<'_>) -> Option<()> {
        match &part.kind {
            Kind::Single { typ, content } if is_text(typ) && is_shown(part.disposition) => {
                self.texts
                    .push(std::str::from_utf8(content).ok()?.to_owned());
            }
            Kind::External(external)
                if is_shown(part.disposition) || part.disposition == disposition::ATTACHMENT =>
            {
                self.parts.push((**external).clone());
            }
            Kind::Multi(Semantics::ChooseOne, parts) => {
                let (texts, external) = (self.texts.len(), self.parts.len());
                let chosen = parts.iter().any(|part| {
                    self.texts.truncate(texts);
                    self.parts.truncate(external);
                    self.add(part).is_some()
                });
                return chosen.then_some(());
            }
            Kind::Multi(semantics, parts) => {
                let ornament =
                    |part: &Part<'_>| *semantics == Semantics::ProcessAll && is_ornament(part);
                for part in parts.iter().filter(|part| !ornament(part)) {
                    self.add(part)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn body(self) -> Option<Body> {
        let text = (!self.texts.is_empty()).then(|| self.texts.join("\n\n"));
        if text.as_ref().is_some_and(|text| text.len() > MAX_TEXT) {
            return None;
        }
        if self.parts.is_empty() {
            return text.map(Body::Text);
        }
        Some(Body::Attachments {
            text,
            parts: self.parts,
        })
    }
}

fn is_shown(of: u8) -> bool {
    matches!(
        of,
        disposition::UNSPECIFIED | disposition::RENDER | disposition::INLINE
    )
}

/// A message says the same without it.
fn is_ornament(part: &Part<'_>) -> bool {
    matches!(part.disposition, disposition::ICON | disposition::PREVIEW)
}

/// A media type without its parameters.
fn media_type(typ: &str) -> String {
    let bare = typ.split(';').next().unwrap_or_default();
    bare.trim().to_ascii_lowercase()
}

/// Text in UTF-8.
fn is_text(typ: &str) -> bool {
    if typ == TEXT_TYPE {
        return true;
    }
    let utf8 = |parameter: &str| {
        let Some((name, value)) = parameter.split_once('=') else {
            return true;
        };
        let value = value.trim().trim_matches('"');
        !name.trim().eq_ignore_ascii_case("charset")
            || ["utf-8", "us-ascii"]
                .iter()
                .any(|known| value.eq_ignore_ascii_case(known))
    };
    matches!(media_type(typ).as_str(), "text/plain" | "text/markdown")
        && typ.split(';').skip(1).all(utf8)
}

pub(super) fn encode(content: &Content) -> Result<Vec<u8>, ContentError> {
    let id = |id: Option<MessageId>| id.map_or(Value::Null, |id| Value::Bytes(id.to_vec()));
    let expires = match content.expires {
        None => Value::Null,
        Some(Expires::After(seconds)) => Value::Array(vec![true.into(), seconds.into()]),
        Some(Expires::At(time)) => Value::Array(vec![false.into(), time.into()]),
    };
    Ok(cbor::encode(&Value::Array(vec![
        Value::Bytes(content.salt.to_vec()),
        id(content.replaces),
        Value::Bytes(Vec::new()),
        expires,
        id(content.in_reply_to),
        Value::Map(Vec::new()),
        part(&content.body)?,
    ])))
}

fn part(body: &Body) -> Result<Value, ContentError> {
    match body {
        Body::Text(text) => text_part(text),
        Body::Reaction(emoji) => reaction_part(emoji),
        Body::Delete { reaction: true } => Ok(head(disposition::REACTION, cardinality::NULL, [])),
        Body::Delete { reaction: false } => Ok(head(disposition::RENDER, cardinality::NULL, [])),
        Body::Status(statuses) if statuses.len() > MAX_STATUSES => Err(ContentError::TooLong),
        Body::Status(statuses) => {
            let pair = |(id, status): &(MessageId, u8)| {
                Value::Array(vec![Value::Bytes(id.to_vec()), (*status).into()])
            };
            let report = cbor::encode(&Value::Array(statuses.iter().map(pair).collect()));
            let content = [STATUS_TYPE.into(), Value::Bytes(report)];
            Ok(head(disposition::UNSPECIFIED, cardinality::SINGLE, content))
        }
        Body::Attachments { text, parts } => attachments(text.as_deref(), parts),
        Body::Unsupported => Err(ContentError::Unsupported),
    }
}

fn head<const N: usize>(disposition: u8, cardinality: u8, rest: [Value; N]) -> Value {
    let mut fields = vec![disposition.into(), "".into(), cardinality.into()];
    fields.extend(rest);
    Value::Array(fields)
}

fn single(disposition: u8, text: &str) -> Value {
    let content = [TEXT_TYPE.into(), Value::Bytes(text.as_bytes().to_vec())];
    head(disposition, cardinality::SINGLE, content)
}

fn text_part(text: &str) -> Result<Value, ContentError> {
    if text.len() > MAX_TEXT {
        return Err(ContentError::TooLong);
    }
    Ok(single(disposition::RENDER, text))
}

fn reaction_part(emoji: &[String]) -> Result<Value, ContentError> {
    if !emoji.iter().all(|emoji| is_reaction(emoji)) {
        return Err(ContentError::TooLong);
    }
    let parts = emoji.iter().map(|it| single(disposition::REACTION, it));
    several(disposition::REACTION, parts.collect())
}

fn attachments(text: Option<&str>, parts: &[ExternalPart]) -> Result<Value, ContentError> {
    if parts
        .iter()
        .any(|part| matches!(part.disposition, Disposition::Other(_)))
    {
        return Err(ContentError::Unsupported);
    }
    let text = text.map(text_part).transpose()?;
    let parts = parts.iter().map(ExternalPart::to_value);
    several(disposition::RENDER, text.into_iter().chain(parts).collect())
}

/// One part, or all of several.
fn several(disposition: u8, mut parts: Vec<Value>) -> Result<Value, ContentError> {
    match parts.len() {
        0 => Err(ContentError::Unsupported),
        1 => parts.pop().ok_or(ContentError::Unsupported),
        // The part that holds them is one, too.
        len if len >= MAX_PARTS => Err(ContentError::TooLong),
        _ => {
            let all = [(Semantics::ProcessAll as u8).into(), Value::Array(parts)];
            Ok(head(disposition, cardinality::MULTI, all))
        }
    }
}
