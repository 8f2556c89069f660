//! Reading signature headers as structured fields (RFC 9651).

use sfv::{BareItem, Dictionary, InnerList, ListEntry, Parser};

use super::{LABEL, ParsedSignature, SignatureHeaders, covered};
use crate::{challenge, key::Thumbprint, time::Timestamp};

/// Longer headers than this are not parsed.
const MAX_HEADER: usize = 2048;

/// `None` unless the headers are in the profile.
pub(super) fn headers(headers: &SignatureHeaders) -> Option<ParsedSignature> {
    let input = member_list(&headers.signature_input)?;
    let signature = member_signature(&headers.signature)?;
    let names = component_names(&input)?;
    let covers_query = names.contains(&"@query");
    if names != covered(covers_query, headers.content_digest.is_some()) {
        return None;
    }
    let (nonce, created, keyid) = params(&input)?;
    Some(ParsedSignature {
        nonce,
        created,
        keyid,
        covers_query,
        content_digest: headers.content_digest.clone(),
        signature,
        form: None,
    })
}

/// What is covered, out of `Signature-Input`.
pub(super) fn member_list(header: &str) -> Option<InnerList> {
    match member(header)? {
        ListEntry::InnerList(input) => Some(input),
        ListEntry::Item(_) => None,
    }
}

/// The signature, out of `Signature`.
pub(super) fn member_signature(header: &str) -> Option<[u8; 64]> {
    match member(header)? {
        ListEntry::Item(sfv::Item {
            bare_item: BareItem::ByteSequence(signature),
            ..
        }) => signature.try_into().ok(),
        _ => None,
    }
}

/// The member of a dictionary that carries Sotto's label.
fn member(header: &str) -> Option<ListEntry> {
    if header.len() > MAX_HEADER {
        return None;
    }
    let mut dictionary: Dictionary = Parser::new(header).parse().ok()?;
    dictionary.swap_remove(LABEL)
}

pub(super) fn component_names(input: &InnerList) -> Option<Vec<&str>> {
    let name = |item: &'_ sfv::Item| item.params.is_empty();
    if !input.items.iter().all(name) {
        return None;
    }
    input
        .items
        .iter()
        .map(|item| item.bare_item.as_string().map(|name| name.as_str()))
        .collect()
}

/// The parameters, which must be exactly these in this order.
fn params(input: &InnerList) -> Option<(String, Timestamp, Thumbprint)> {
    let order = ["nonce", "created", "keyid", "alg"];
    if !input.params.keys().map(|key| key.as_str()).eq(order) {
        return None;
    }
    let text = |name: &str| {
        input
            .params
            .get(name)?
            .as_string()
            .map(|text| text.as_str())
    };
    let nonce = text("nonce").filter(|nonce| challenge::is_usable(nonce))?;
    let created = i64::from(input.params.get("created")?.as_integer()?);
    let created = Timestamp(u64::try_from(created).ok()?);
    let keyid = Thumbprint::parse(text("keyid")?).ok()?;
    (text("alg")? == "ed25519").then(|| (nonce.to_owned(), created, keyid))
}
