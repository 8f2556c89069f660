//! Deterministic CBOR (docs/protocol.md §0): one encoding per value, and a decoder that refuses
//! every other one.

use ciborium::Value;
use serde::{Serialize, de::DeserializeOwned};

mod bytes;
mod scan;

pub use bytes::{Bytes, byte_strings};
pub(crate) use scan::{Scanner, first_item_len};

/// How deep arrays, maps and tags may nest.
pub const MAX_DEPTH: usize = 16;

/// Why bytes were not accepted. Nothing can be retried: the sender has to send something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Longer than the caller allows; nothing was read.
    #[error("input is larger than allowed")]
    TooLarge,
    /// Not CBOR: truncated, trailing bytes, invalid UTF-8, or nested deeper than [`MAX_DEPTH`].
    #[error("input is not well-formed CBOR")]
    Malformed,
    /// CBOR, but not its deterministic encoding.
    #[error("input is not deterministic CBOR")]
    NotDeterministic,
    /// Deterministic CBOR of another shape: missing or unknown fields, wrong types or sizes.
    #[error("input does not have the expected structure")]
    Shape,
}

/// Encodes a value as deterministic CBOR. Maps are sorted, whatever the order of a type's fields.
///
/// A value that has no CBOR form (a map of unknown length, a float) gives no bytes, which every
/// decoder refuses; the formats of this crate have none.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let encoded = encoding(value);
    debug_assert!(encoded.is_some(), "a value without a deterministic form");
    encoded.unwrap_or_default()
}

fn encoding<T: Serialize + ?Sized>(value: &T) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(256);
    ciborium::into_writer(value, &mut out).ok()?;
    match scan::check(&out) {
        Ok(()) => Some(out),
        Err(_) => sorted(value),
    }
}

/// The slow way round for types whose fields are not declared in the order of the encoding.
fn sorted<T: Serialize + ?Sized>(value: &T) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let value = Value::serialized(value).ok().and_then(sort)?;
    ciborium::into_writer(&value, &mut out).ok()?;
    scan::check(&out).is_ok().then_some(out)
}

fn sort(value: Value) -> Option<Value> {
    Some(match value {
        Value::Array(items) => Value::Array(items.into_iter().map(sort).collect::<Option<_>>()?),
        Value::Tag(tag, inner) => Value::Tag(tag, Box::new(sort(*inner)?)),
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries
                .into_iter()
                .map(|(key, value)| Some((encoding(&key)?, key, sort(value)?)))
                .collect::<Option<_>>()?;
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Map(
                entries
                    .into_iter()
                    .map(|(_, key, value)| (key, value))
                    .collect(),
            )
        }
        other => other,
    })
}

/// Decodes deterministic CBOR of at most `max` bytes.
///
/// The input is scanned first (size, depth, determinism), then decoded, then encoded again and
/// compared: serde and ciborium accept more than one spelling of many values (byte strings as map
/// keys, `null` for an absent field, arrays for byte strings), and the comparison leaves one.
///
/// # Errors
/// [`CborError`], by what is wrong with the input.
pub fn decode<T: Serialize + DeserializeOwned>(input: &[u8], max: usize) -> Result<T, CborError> {
    if input.len() > max {
        return Err(CborError::TooLarge);
    }
    scan::check(input)?;
    let value: T = ciborium::from_reader(input).map_err(|_| CborError::Shape)?;
    // What was read may have no encoding at all: two keys that are the same number, say.
    if encoding(&value).is_none_or(|encoded| encoded != input) {
        return Err(CborError::Shape);
    }
    Ok(value)
}

#[cfg(test)]
#[path = "cbor/tests.rs"]
mod tests;
