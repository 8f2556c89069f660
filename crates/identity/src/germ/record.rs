//! The record, as AT Protocol JSON.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;
use sotto_wire::did::Did;

use super::linear::Reader;
use super::succession::{self, MAX_PROOFS, Proof};
use super::{Audience, COLLECTION, GermDeclaration, GermError, MessageMe, hello, link};

/// AT Protocol's data model writes base64 without padding and reads it with or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// A byte for the algorithm and a key.
const KEY_LENGTH: usize = 33;
/// A key and a signature with its byte.
const PROOF_LENGTH: usize = 98;
const VERSION_LENGTHS: std::ops::RangeInclusive<usize> = 5..=14;
const MAX_SHOW_BUTTON_TO: usize = 100;

impl GermDeclaration {
    /// Reads and verifies the record of `did`. Fields that are not known are passed over, as in
    /// every AT Protocol record; those that are known have to be as the lexicon has them, and every
    /// signature in them has to verify. That the record is the account's is what its repository
    /// proves ([`crate::Network::germ_declaration`]).
    ///
    /// # Errors
    /// [`GermError`].
    pub fn verify(record: &Value, did: &Did) -> Result<Self, GermError> {
        if text(record, "$type")? != COLLECTION {
            return Err(GermError::Record("$type"));
        }
        if !is_version(text(record, "version")?) {
            return Err(GermError::Record("version"));
        }
        let key =
            bytes(record, "currentKey", KEY_LENGTH)?.ok_or(GermError::Record("currentKey"))?;
        let mut reader = Reader::new(&key);
        let key = reader.key()?;
        reader.end()?;
        let hello = bytes(record, "keyPackage", hello::MAX_HELLO)?
            .map(|bytes| hello::verify(&bytes, &key, did))
            .transpose()?;
        let claims_account = hello.is_some();
        // Whom the key signed for; the record may say less, but not more.
        let signed = hello.as_ref().map_or(Audience::Everyone, |it| it.audience);
        let chain = continuity(record)?;
        let chain: Vec<Proof<'_>> = chain
            .iter()
            .map(|bytes| Proof::from_bytes(bytes))
            .collect::<Result<_, _>>()?;
        let by_record = succession::verify(&chain, &key, did)?;
        let predecessors = hello.map(|it| it.predecessors).unwrap_or_default();
        Ok(Self {
            did: did.clone(),
            key,
            claims_account,
            // Both were verified to lead to the current key: the longer reaches further back.
            predecessors: longer(predecessors, by_record),
            message_me: message_me(record, signed)?,
        })
    }
}

fn longer<T>(one: Vec<T>, other: Vec<T>) -> Vec<T> {
    if one.len() < other.len() { other } else { one }
}

fn text<'a>(record: &'a Value, name: &'static str) -> Result<&'a str, GermError> {
    record
        .get(name)
        .and_then(Value::as_str)
        .ok_or(GermError::Record(name))
}

/// Three numbers with dots between them.
fn is_version(text: &str) -> bool {
    let is_number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    VERSION_LENGTHS.contains(&text.len())
        && text.split('.').count() == 3
        && text.split('.').all(is_number)
}

/// The bytes of a field, at most `longest`; nothing where the record has no such field.
fn bytes(record: &Value, name: &'static str, longest: usize) -> Result<Option<Vec<u8>>, GermError> {
    record
        .get(name)
        .map(|value| decode(value, longest).ok_or(GermError::Record(name)))
        .transpose()
}

fn decode(value: &Value, longest: usize) -> Option<Vec<u8>> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let text = object.get("$bytes")?.as_str()?;
    // Four characters for three bytes, and padding.
    let bounded = text.len() <= longest.div_ceil(3) * 4;
    let bytes = BASE64.decode(text).ok().filter(|_| bounded)?;
    (bytes.len() <= longest).then_some(bytes)
}

fn continuity(record: &Value) -> Result<Vec<Vec<u8>>, GermError> {
    let name = "continuityProofs";
    let Some(value) = record.get(name) else {
        return Ok(Vec::new());
    };
    let list = value
        .as_array()
        .filter(|list| list.len() <= MAX_PROOFS)
        .ok_or(GermError::Record(name))?;
    list.iter()
        .map(|value| decode(value, PROOF_LENGTH).ok_or(GermError::Record(name)))
        .collect()
}

fn message_me(record: &Value, signed: Audience) -> Result<Option<MessageMe>, GermError> {
    let Some(value) = record.get("messageMe") else {
        return Ok(None);
    };
    let audience = match text(value, "showButtonTo")? {
        text if !(1..=MAX_SHOW_BUTTON_TO).contains(&text.len()) => {
            return Err(GermError::Record("showButtonTo"));
        }
        "everyone" => Audience::Everyone,
        "usersIFollow" => Audience::Followed,
        // Also what is not known.
        _ => Audience::Nobody,
    };
    let url = text(value, "messageMeUrl")?;
    if url.len() > link::MAX_URL {
        return Err(GermError::Record("messageMeUrl"));
    }
    Ok(Some(MessageMe {
        audience: audience.min(signed),
        url: url.to_owned(),
    }))
}
