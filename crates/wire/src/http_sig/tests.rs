use proptest::prelude::*;

use super::*;

const CREATED: Timestamp = Timestamp(1_700_000_000);

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn post() -> RequestParts<'static> {
    RequestParts {
        method: "POST",
        authority: "relay.example",
        path: "/pmr/v1/grants",
        query: None,
        body: Some(br#"{"hello": "world"}"#),
    }
}

fn get() -> RequestParts<'static> {
    RequestParts {
        method: "GET",
        path: "/pmr/v1/messages",
        query: Some("cursor=a%20b"),
        body: None,
        ..post()
    }
}

fn signed(parts: &RequestParts<'_>) -> SignatureHeaders {
    sign(parts, "AbC-_1", CREATED, &key()).unwrap()
}

fn check(headers: &SignatureHeaders, parts: &RequestParts<'_>) -> Result<(), HttpSigError> {
    parse(headers)?.verify(parts, &key().public())
}

/// Signature base and digest are written out by hand from RFC 9421 §2.5 and RFC 9530 (whose
/// example body this is).
#[test]
fn headers_of_a_request_with_a_body() {
    let headers = signed(&post());
    let digest = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    assert_eq!(headers.content_digest.as_deref(), Some(digest));
    let keyid = key().public().thumbprint();
    let params = format!(
        "(\"@method\" \"@authority\" \"@path\" \"content-digest\");nonce=\"AbC-_1\"\
         ;created=1700000000;keyid=\"{keyid}\";alg=\"ed25519\""
    );
    assert_eq!(headers.signature_input, format!("pmr={params}"));
    let base = format!(
        "\"@method\": POST\n\"@authority\": relay.example\n\"@path\": /pmr/v1/grants\n\
         \"content-digest\": {digest}\n\"@signature-params\": {params}"
    );
    let signature = STANDARD.encode(key().sign(base.as_bytes()));
    assert_eq!(headers.signature, format!("pmr=:{signature}:"));
    assert_eq!(check(&headers, &post()), Ok(()));
}

#[test]
fn headers_of_a_request_with_a_query() {
    let headers = signed(&get());
    assert_eq!(headers.content_digest, None);
    let (_, params) = headers.signature_input.split_once('=').unwrap();
    assert!(params.starts_with("(\"@method\" \"@authority\" \"@path\" \"@query\");nonce="));
    let base = format!(
        "\"@method\": GET\n\"@authority\": relay.example\n\"@path\": /pmr/v1/messages\n\
         \"@query\": ?cursor=a%20b\n\"@signature-params\": {params}"
    );
    let signature = STANDARD.encode(key().sign(base.as_bytes()));
    assert_eq!(headers.signature, format!("pmr=:{signature}:"));
    let parsed = parse(&headers).unwrap();
    assert_eq!((parsed.nonce.as_str(), parsed.created), ("AbC-_1", CREATED));
    assert_eq!(parsed.keyid, key().public().thumbprint());
    assert_eq!(parsed.verify(&get(), &key().public()), Ok(()));
}

#[test]
fn every_part_is_covered() {
    let (get_headers, post_headers) = (signed(&get()), signed(&post()));
    for parts in [
        RequestParts {
            method: "PUT",
            ..post()
        },
        RequestParts {
            authority: "other.example",
            ..post()
        },
        RequestParts {
            path: "/pmr/v1/acks",
            ..post()
        },
    ] {
        assert_eq!(
            check(&post_headers, &parts),
            Err(HttpSigError::Signature),
            "{parts:?}"
        );
    }
    let other_query = RequestParts {
        query: Some("cursor=c"),
        ..get()
    };
    assert_eq!(
        check(&get_headers, &other_query),
        Err(HttpSigError::Signature)
    );
    let other_body = RequestParts {
        body: Some(b"{}"),
        ..post()
    };
    assert_eq!(check(&post_headers, &other_body), Err(HttpSigError::Digest));
    for (headers, parts) in [
        (
            &get_headers,
            RequestParts {
                query: None,
                ..get()
            },
        ),
        (
            &get_headers,
            RequestParts {
                body: Some(b"x"),
                ..get()
            },
        ),
        (
            &post_headers,
            RequestParts {
                query: Some(""),
                ..post()
            },
        ),
        (
            &post_headers,
            RequestParts {
                body: None,
                ..post()
            },
        ),
        (
            &post_headers,
            RequestParts {
                body: Some(b""),
                ..post()
            },
        ),
    ] {
        assert_eq!(
            check(headers, &parts),
            Err(HttpSigError::Components),
            "{parts:?}"
        );
    }
}

#[test]
fn only_the_named_key_verifies() {
    let headers = signed(&post());
    let other = SigningKey::from_seed(&[2; 32]);
    let parsed = parse(&headers).unwrap();
    assert_eq!(
        parsed.verify(&post(), &other.public()),
        Err(HttpSigError::OtherKey)
    );
    let renamed = headers.signature_input.replace(
        &key().public().thumbprint().text(),
        &other.public().thumbprint().text(),
    );
    let renamed = SignatureHeaders {
        signature_input: renamed,
        ..headers
    };
    let parsed = parse(&renamed).unwrap();
    assert_eq!(
        parsed.verify(&post(), &other.public()),
        Err(HttpSigError::Signature)
    );
}

/// Changes the text of `Signature-Input` and expects a refusal of the form.
fn refuse(what: &str, from: &str, to: &str) {
    let headers = signed(&post());
    let changed = headers.signature_input.replace(from, to);
    assert_ne!(changed, headers.signature_input, "{what}");
    let headers = SignatureHeaders {
        signature_input: changed,
        ..headers
    };
    assert_eq!(parse(&headers), Err(HttpSigError::Malformed), "{what}");
}

#[test]
fn the_profile_is_fixed() {
    refuse("other label", "pmr=", "sig=");
    refuse(
        "other algorithm",
        "alg=\"ed25519\"",
        "alg=\"rsa-pss-sha512\"",
    );
    refuse("no algorithm", ";alg=\"ed25519\"", "");
    refuse("no nonce", "nonce=\"AbC-_1\";", "");
    refuse("empty nonce", "AbC-_1", "");
    refuse("quoted nonce", "AbC-_1", "a\\\"b");
    refuse("no created", ";created=1700000000", "");
    refuse("negative created", "=1700000000", "=-1");
    refuse("created as text", "=1700000000", "=\"1\"");
    refuse("further parameter", ";alg=", ";tag=\"x\";alg=");
    refuse(
        "other order",
        "(\"@method\" \"@authority\"",
        "(\"@authority\" \"@method\"",
    );
    refuse("missing method", "\"@method\" ", "");
    refuse("missing authority", "\"@authority\" ", "");
    refuse("missing path", "\"@path\" ", "");
    refuse("missing digest", " \"content-digest\"", "");
    refuse("further component", "\"@path\" ", "\"@path\" \"date\" ");
    refuse("component parameter", "\"@path\" ", "\"@path\";req ");
    refuse("not a list", "pmr=(", "pmr=?1, x=(");
    refuse("keyid is not a thumbprint", "keyid=\"", "keyid=\"x");
    refuse("not a dictionary", "pmr=(", "pmr=((");
}

#[test]
fn a_digest_header_without_its_component_is_refused() {
    let headers = signed(&get());
    let with = SignatureHeaders {
        content_digest: Some("sha-256=::".into()),
        ..headers
    };
    assert_eq!(parse(&with), Err(HttpSigError::Malformed));
}

#[test]
fn signatures_are_64_bytes() {
    for signature in [
        "",
        "pmr=::",
        "pmr=:AAAA:",
        "pmr=\"x\"",
        "pmr=(:AAAA:)",
        "sig=:AAAA:",
    ] {
        let headers = SignatureHeaders {
            signature: signature.into(),
            ..signed(&post())
        };
        assert_eq!(parse(&headers), Err(HttpSigError::Malformed), "{signature}");
    }
}

#[test]
fn other_labels_are_passed_over() {
    let headers = signed(&post());
    let headers = SignatureHeaders {
        signature_input: format!("proxy=(\"date\");created=1, {}", headers.signature_input),
        signature: format!("proxy=:AAAA:, {}", headers.signature),
        ..headers
    };
    assert_eq!(check(&headers, &post()), Ok(()));
}

#[test]
fn strange_challenges_are_not_signed() {
    for challenge in ["", "a\"b", "a\\b", "a\nb", "ü", &"x".repeat(513)] {
        let refused = sign(&post(), challenge, CREATED, &key());
        assert_eq!(refused, Err(HttpSigError::Challenge), "{challenge}");
    }
}

proptest! {
    #[test]
    fn arbitrary_headers_never_panic(signature_input in ".{0,200}", signature in ".{0,100}") {
        let _ = parse(&SignatureHeaders { content_digest: None, signature_input, signature });
    }

    #[test]
    fn what_is_signed_verifies(path in "/[a-z/%0-9]{0,30}", query: Option<String>, body: Vec<u8>) {
        let parts = RequestParts { path: &path, query: query.as_deref(), body: Some(&body), ..post() };
        prop_assert_eq!(check(&signed(&parts), &parts), Ok(()));
    }
}
