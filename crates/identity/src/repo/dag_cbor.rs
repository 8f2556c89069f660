//! DAG-CBOR, strictly: a block that would be written differently is refused, so that no two readers
//! can read two things out of one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ipld_core::ipld::Ipld;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::ProofError;

pub(super) fn decode<T: DeserializeOwned + Serialize>(block: &[u8]) -> Result<T, ProofError> {
    let value = serde_ipld_dagcbor::from_slice(block).map_err(|_| ProofError::Invalid)?;
    if encode(&value)? == block {
        Ok(value)
    } else {
        Err(ProofError::Invalid)
    }
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, ProofError> {
    serde_ipld_dagcbor::to_vec(value).map_err(|_| ProofError::Invalid)
}

/// A record block as AT Protocol JSON.
pub(super) fn to_json(block: &[u8]) -> Result<Value, ProofError> {
    json(decode(block)?)
}

fn json(value: Ipld) -> Result<Value, ProofError> {
    Ok(match value {
        Ipld::Null => Value::Null,
        Ipld::Bool(value) => Value::Bool(value),
        Ipld::Integer(value) => i64::try_from(value)
            .map_err(|_| ProofError::Invalid)?
            .into(),
        // The data model of AT Protocol has no floats.
        Ipld::Float(_) => return Err(ProofError::Invalid),
        Ipld::String(value) => Value::String(value),
        Ipld::Bytes(bytes) => tagged("$bytes", STANDARD_NO_PAD.encode(bytes)),
        Ipld::Link(cid) => tagged("$link", cid.to_string()),
        Ipld::List(items) => Value::Array(
            items
                .into_iter()
                .map(json)
                .collect::<Result<_, ProofError>>()?,
        ),
        Ipld::Map(map) => {
            let entry = |(key, value)| Ok((key, json(value)?));
            Value::Object(
                map.into_iter()
                    .map(entry)
                    .collect::<Result<_, ProofError>>()?,
            )
        }
    })
}

fn tagged(name: &str, value: String) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), Value::String(value))]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_has_bytes_and_links_marked() {
        // {"a": h'010203', "b": [1, -1, null, true, "x"]}
        let block = b"\xa2\x61a\x43\x01\x02\x03\x61b\x85\x01\x20\xf6\xf5\x61x";
        assert_eq!(
            to_json(block),
            Ok(json!({"a": {"$bytes": "AQID"}, "b": [1, -1, null, true, "x"]}))
        );
    }

    #[test]
    fn other_encodings_are_refused() {
        let refused: [&[u8]; 9] = [
            b"\xa2\x61b\x01\x61a\x02",               // order of keys
            b"\xa2\x61a\x01\x61a\x02",               // the same key twice
            b"\x18\x01",                             // a longer form of 1
            b"\x01\x01",                             // something after it
            b"\x9f\x01\xff",                         // indefinite length
            b"\xfb\x3f\xf0\0\0\0\0\0\0",             // a float
            b"\xc1\x01",                             // another tag
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", // a length that is not there
            b"",
        ];
        for block in refused {
            assert_eq!(to_json(block), Err(ProofError::Invalid), "{block:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_running_out_of_stack() {
        assert_eq!(to_json(&[0x81; 1_000_000]), Err(ProofError::Invalid));
        let mut closed = vec![0x81; 100_000];
        closed.push(0x01);
        assert_eq!(to_json(&closed), Err(ProofError::Invalid));
    }
}
