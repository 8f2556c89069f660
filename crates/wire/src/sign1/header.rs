//! The protected header of signed objects: `{1: -8, 4: kid, 16: typ}` and, in first-contact
//! envelopes, text labels.

use ciborium::Value;

use crate::{cbor, key::Thumbprint};

const ALG: i64 = 1;
const ALG_EDDSA: i64 = -8;
const KID: i64 = 4;
const TYP: i64 = 16;
/// Headers carry two DIDs and a certificate at most (§4.5).
const MAX_HEADER: usize = 24 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) kid: Thumbprint,
    pub(super) typ: String,
    pub(super) labels: Vec<(String, Value)>,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut entries = vec![
            (Value::from(ALG), Value::from(ALG_EDDSA)),
            (Value::from(KID), Value::Bytes(self.kid.as_bytes().to_vec())),
            (Value::from(TYP), Value::from(self.typ.as_str())),
        ];
        let labels = self.labels.iter().cloned();
        entries.extend(labels.map(|(label, value)| (Value::Text(label), value)));
        cbor::encode(&Value::Map(entries))
    }

    /// `None` unless the bytes are exactly such a header.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let Value::Map(entries) = cbor::decode(bytes, MAX_HEADER).ok()? else {
            return None;
        };
        let mut entries = entries.into_iter();
        let mut fixed = |label: i64| {
            let (found, value) = entries.next()?;
            (found == Value::from(label)).then_some(value)
        };
        let alg = fixed(ALG)?;
        let kid: [u8; 32] = fixed(KID)?.into_bytes().ok()?.try_into().ok()?;
        let typ = fixed(TYP)?.into_text().ok()?;
        if alg != Value::from(ALG_EDDSA) {
            return None;
        }
        let labels = entries.map(|(label, value)| Some((label.into_text().ok()?, value)));
        let labels = labels.collect::<Option<_>>()?;
        Some(Self {
            kid: Thumbprint::from_bytes(kid),
            typ,
            labels,
        })
    }
}
