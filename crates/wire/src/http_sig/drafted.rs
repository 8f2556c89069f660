//! Signatures as the PMR draft asks for them, and no more: components and parameters in any order,
//! without `created`, and without `@query`. Requests of the realm `anchor` may be signed like that.

use sfv::InnerList;

use super::parse::{component_names, member_list, member_signature};
use super::{ParsedSignature, SignatureHeaders};
use crate::{challenge, key::Thumbprint, time::Timestamp};

/// What a signature may cover; the first three it has to.
const COMPONENTS: [&str; 5] = ["@method", "@authority", "@path", "@query", "content-digest"];

/// How a signer wrote what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    /// The covered components, in the signer's order.
    pub(super) components: Vec<&'static str>,
    /// The signature parameters, as they enter the signature base.
    pub(super) params: String,
}

/// `None` unless the headers are as the draft has them.
pub(super) fn headers(headers: &SignatureHeaders) -> Option<ParsedSignature> {
    let input = member_list(&headers.signature_input)?;
    let signature = member_signature(&headers.signature)?;
    let components = components(&input)?;
    let covers = |name| components.contains(&name);
    let required = COMPONENTS.iter().take(3).all(|name| covers(name));
    if !required || covers("content-digest") != headers.content_digest.is_some() {
        return None;
    }
    let (said, params) = params(&input)?;
    let quoted: Vec<_> = components
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    Some(ParsedSignature {
        nonce: said.nonce?,
        created: said.created.unwrap_or(Timestamp(0)),
        keyid: said.keyid?,
        covers_query: covers("@query"),
        content_digest: headers.content_digest.clone(),
        signature,
        form: Some(Form {
            params: format!("({}){params}", quoted.join(" ")),
            components,
        }),
    })
    .filter(|_| said.alg)
}

/// The names of what is covered, each of them once and known.
fn components(input: &InnerList) -> Option<Vec<&'static str>> {
    let mut components = Vec::new();
    for name in component_names(input)? {
        let known = COMPONENTS.iter().find(|known| **known == name)?;
        if components.contains(known) {
            return None;
        }
        components.push(*known);
    }
    Some(components)
}

#[derive(Default)]
struct Said {
    nonce: Option<String>,
    created: Option<Timestamp>,
    keyid: Option<Thumbprint>,
    alg: bool,
}

/// The parameters, and how they are written (RFC 9651 §4.1.1.2).
fn params(input: &InnerList) -> Option<(Said, String)> {
    let (mut said, mut text) = (Said::default(), String::new());
    for (name, value) in &input.params {
        match name.as_str() {
            "created" => {
                let created = i64::from(value.as_integer()?);
                said.created = Some(Timestamp(u64::try_from(created).ok()?));
                text.push_str(&format!(";created={created}"));
                continue;
            }
            "nonce" => {
                let nonce = value.as_string()?.as_str();
                said.nonce = challenge::is_usable(nonce).then(|| nonce.to_owned());
            }
            "keyid" => said.keyid = Thumbprint::parse(value.as_string()?.as_str()).ok(),
            "alg" => said.alg = value.as_string()?.as_str() == "ed25519",
            _ => return None,
        }
        // None of the values that count has anything to escape.
        text.push_str(&format!(";{name}=\"{}\"", value.as_string()?.as_str()));
    }
    Some((said, text))
}

#[cfg(test)]
mod tests {
    use super::super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed(&[1; 32])
    }

    fn get() -> RequestParts<'static> {
        RequestParts {
            method: "GET",
            authority: "relay.example",
            path: "/pmr/v1/messages",
            query: Some("cursor=1"),
            body: None,
        }
    }

    /// Signs exactly this text of parameters, over these lines.
    fn signed(params: &str, lines: &str) -> SignatureHeaders {
        let base = format!("{lines}\"@signature-params\": {params}");
        let signature = STANDARD.encode(key().sign(base.as_bytes()));
        SignatureHeaders {
            content_digest: None,
            signature_input: format!("pmr={params}"),
            signature: format!("pmr=:{signature}:"),
        }
    }

    const LINES: &str =
        "\"@path\": /pmr/v1/messages\n\"@method\": GET\n\"@authority\": relay.example\n";

    fn params(after: &str) -> String {
        let keyid = key().public().thumbprint();
        format!("(\"@path\" \"@method\" \"@authority\");keyid=\"{keyid}\";nonce=\"AbC\"{after}")
    }

    #[test]
    fn other_orders_and_less_are_read_where_they_may_be() {
        for after in [";alg=\"ed25519\"", ";alg=\"ed25519\";created=7"] {
            let headers = signed(&params(after), LINES);
            assert_eq!(parse(&headers), Err(HttpSigError::Malformed));
            let read = parse_drafted(&headers).unwrap();
            assert!(read.is_drafted());
            assert_eq!(read.nonce, "AbC");
            assert_eq!(read.verify(&get(), &key().public()), Ok(()));
            let elsewhere = RequestParts {
                path: "/pmr/v1/pool",
                ..get()
            };
            assert_eq!(
                read.verify(&elsewhere, &key().public()),
                Err(HttpSigError::Signature)
            );
            let with_body = RequestParts {
                body: Some(b"x"),
                ..get()
            };
            assert_eq!(
                read.verify(&with_body, &key().public()),
                Err(HttpSigError::Components),
                "a body has to be covered"
            );
        }
    }

    #[test]
    fn what_the_draft_requires_is_required() {
        let good = params(";alg=\"ed25519\"");
        for (from, to) in [
            (";alg=\"ed25519\"", ""),
            ("ed25519", "rsa-v1_5-sha256"),
            (";nonce=\"AbC\"", ""),
            ("\"@path\" ", ""),
            ("\"@method\" ", ""),
            (" \"@authority\"", ""),
            ("\"@path\"", "\"@path\" \"@path\""),
            ("\"@path\"", "\"@path\" \"date\""),
            ("\"@path\"", "\"@path\";req"),
            (";alg", ";tag=\"x\";alg"),
            ("keyid=\"", "keyid=\"x"),
        ] {
            let changed = good.replace(from, to);
            assert_ne!(changed, good);
            let refused = parse_drafted(&signed(&changed, LINES));
            assert_eq!(refused, Err(HttpSigError::Malformed), "{changed}");
        }
        let with_digest = SignatureHeaders {
            content_digest: Some("sha-256=::".into()),
            ..signed(&good, LINES)
        };
        assert_eq!(parse_drafted(&with_digest), Err(HttpSigError::Malformed));
    }

    #[test]
    fn what_is_in_the_profile_is_not_of_the_draft_only() {
        let headers = sign(&get(), "AbC", Timestamp(7), &key()).unwrap();
        assert!(!parse(&headers).unwrap().is_drafted());
        let drafted = parse_drafted(&headers).unwrap();
        assert_eq!(drafted.verify(&get(), &key().public()), Ok(()));
        let other = RequestParts {
            query: Some("cursor=2"),
            ..get()
        };
        assert_eq!(
            drafted.verify(&other, &key().public()),
            Err(HttpSigError::Signature),
            "a query that is covered counts"
        );
    }
}
