//! Request signatures, challenges, the enabler document.

use serde_json::json;

use super::*;
use crate::{
    cbor,
    challenge::{ChallengeRequest, ChallengeResponse, NextChallenge, Realm},
    enabler::{Attachments, Capabilities, Core, DidMailbox, EnablerDocument, Grant, KeyPackages},
    http_sig::{self, RequestParts, SignatureHeaders},
};

const CHALLENGE: &str = "AAAAAGVT8QAAAQIDBAUGBwgJCgsMDQ4P";

fn headers_json(headers: &SignatureHeaders) -> Value {
    json!({
        "content-digest": headers.content_digest,
        "signature-input": headers.signature_input,
        "signature": headers.signature,
    })
}

#[test]
fn request_signatures() {
    let get = RequestParts {
        method: "GET",
        authority: "relay.example",
        path: "/pmr/v1/registration",
        query: None,
        body: None,
    };
    let page = RequestParts {
        path: "/pmr/v1/messages",
        query: Some("cursor=12"),
        ..get
    };
    let post = RequestParts {
        method: "POST",
        path: "/pmr/v1/grants",
        body: Some(&[0xa0]),
        ..get
    };
    let mut cases = Vec::new();
    for parts in [get, page, post] {
        let headers = http_sig::sign(&parts, CHALLENGE, NOW, &key(2)).unwrap();
        let parsed = http_sig::parse(&headers).unwrap();
        assert_eq!(parsed.verify(&parts, &key(2).public()), Ok(()));
        cases.push(json!({
            "key": key_input(2), "challenge": CHALLENGE, "created": NOW, "method": parts.method,
            "authority": parts.authority, "path": parts.path, "query": parts.query,
            "body": parts.body.map(hex::encode), "headers": headers_json(&headers),
        }));
    }
    let good = http_sig::sign(&get, CHALLENGE, NOW, &key(2)).unwrap();
    for (name, from, to) in [
        ("another label", "pmr=", "sig="),
        ("another algorithm", "ed25519", "ed448"),
        (
            "components in another order",
            "\"@method\" \"@authority\"",
            "\"@authority\" \"@method\"",
        ),
        ("path not covered", " \"@path\"", ""),
        (
            "query covered without one",
            "\"@path\"",
            "\"@path\" \"@query\"",
        ),
        ("another challenge", "AAAA", "AAAB"),
        ("another time", "1700000000", "1700000001"),
        ("further parameter", ";alg", ";expires=1700000001;alg"),
    ] {
        let signature_input = good.signature_input.replacen(from, to, 1);
        let headers = SignatureHeaders {
            signature_input,
            ..good.clone()
        };
        let verified = http_sig::parse(&headers).and_then(|it| it.verify(&get, &key(2).public()));
        let error = verified.expect_err(name);
        cases.push(json!({
            "name": name, "of": "the first case", "headers": headers_json(&headers),
            "refused": format!("{error:?}"),
        }));
    }
    check("http_signature", "4.2", cases.into());
}

#[test]
fn challenges() {
    let request = ChallengeRequest {
        r: Realm::Device,
        s: key(2).public().thumbprint().text(),
    };
    let response = ChallengeResponse {
        c: CHALLENGE.into(),
        e: NOW.plus(300),
    };
    let next = NextChallenge {
        challenge: CHALLENGE.into(),
        expires: NOW.plus(300),
    };
    assert_eq!(
        NextChallenge::parse(&next.header_value()),
        Some(next.clone())
    );
    let (r, s) = (Realm::Device.as_str(), &request.s);
    check(
        "challenge",
        "4.2",
        json!([
            accepted("request", json!({ "r": r, "s": s }), &cbor::encode(&request)),
            accepted("response", json!({ "c": response.c, "e": response.e }), &cbor::encode(&response)),
            { "name": "header", "challenge": CHALLENGE, "expires": next.expires,
              "germ-next-challenge": next.header_value() },
        ]),
    );
}

#[test]
fn enabler_documents() {
    let (versions, path_prefix) = (vec!["1".to_owned()], "/pmr/v1".to_owned());
    let (message_max_bytes, message_expiry) = (131_072, 2_592_000);
    let capabilities = Capabilities {
        core: Core {
            versions: versions.clone(),
            path_prefix: path_prefix.clone(),
            challenge_expiry: 300,
            max_ack_batch: 100,
            ..Core::default()
        },
        did_mailbox: Some(DidMailbox {
            versions: versions.clone(),
            path_prefix: path_prefix.clone(),
            message_max_bytes,
            message_expiry,
            max_waiting: Some(256),
            puts_per_minute: Some(120),
            max_blocks: Some(5000),
        }),
        grant: Some(Grant {
            versions: versions.clone(),
            path_prefix: path_prefix.clone(),
            message_max_bytes,
            message_expiry,
            lifecycle: "active".into(),
            max_per_request: 64,
            ..Grant::default()
        }),
        key_packages: Some(KeyPackages {
            versions: versions.clone(),
            path_prefix: path_prefix.clone(),
            max_single_use: 100,
            claims_per_hour: 60,
            ..KeyPackages::default()
        }),
        attachments: Some(Attachments {
            versions,
            path_prefix,
            object_max_bytes: 1_048_592,
            account_max_bytes: 1 << 30,
            object_expiry: 3_888_000,
            ..Attachments::default()
        }),
    };
    let document = EnablerDocument::new(vec!["application/cbor".into()], capabilities);
    let json = document.to_json();
    assert_eq!(EnablerDocument::from_json(json.as_bytes()), Some(document));
    let json: Value = serde_json::from_str(&json).unwrap();
    check(
        "enabler",
        "4.1",
        json!([{ "name": "document", "json": json }]),
    );
}
