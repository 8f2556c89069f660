//! What clients, relays and servers say to each other over HTTP.

use super::{MAX, delegate, same};
use crate::Target;
use sotto_wire::cbor;
use sotto_wire::challenge::{ChallengeRequest, ChallengeResponse, NextChallenge};
use sotto_wire::enabler::EnablerDocument;
use sotto_wire::grant::{self, GrantKey, GrantPut};
use sotto_wire::http_sig::{self, RequestParts, SignatureHeaders};
use sotto_wire::pds_api::{CreateInput, DeleteInput, GetOutput, UpdateInput, WriteOutput};
use sotto_wire::relay_api::{self as api, Event};

pub(super) const CHALLENGE: Target = Target {
    name: "challenge",
    run: challenge,
};
pub(super) const ENABLER: Target = Target {
    name: "enabler",
    run: enabler,
};
pub(super) const EVENT: Target = Target {
    name: "event",
    run: event,
};
pub(super) const GRANT: Target = Target {
    name: "grant",
    run: grant,
};
pub(super) const HTTP_SIGNATURE: Target = Target {
    name: "http_signature",
    run: http_signature,
};
pub(super) const PDS_API: Target = Target {
    name: "pds_api",
    run: pds_api,
};
pub(super) const RELAY_BODIES: Target = Target {
    name: "relay_bodies",
    run: relay_bodies,
};

fn challenge(bytes: &[u8]) {
    same::<ChallengeRequest>(bytes);
    same::<ChallengeResponse>(bytes);
    if let Ok(text) = str::from_utf8(bytes)
        && let Some(next) = NextChallenge::parse(text)
    {
        assert_eq!(NextChallenge::parse(&next.header_value()), Some(next));
    }
}

fn enabler(bytes: &[u8]) {
    if let Some(document) = EnablerDocument::from_json(bytes) {
        let again = EnablerDocument::from_json(document.to_json().as_bytes());
        assert!(again.is_none_or(|again| again == document));
    }
}

fn event(bytes: &[u8]) {
    if let Ok(event) = Event::decode(bytes, MAX) {
        let again = event.encode();
        // What grows may have had fields that are passed over.
        assert!(again == bytes || matches!(event, Event::Capabilities(_)));
        assert_eq!(Event::decode(&again, MAX), Ok(event));
    }
}

fn grant(bytes: &[u8]) {
    if let Ok(put) = GrantPut::decode(bytes, MAX) {
        assert_eq!(put.encode(), bytes);
        let key = GrantKey::from_bytes([1; 32]);
        let host = sotto_wire::domain::Domain::parse("relay.example").expect("a domain");
        let _ = grant::verify_tag(&key, &grant::address(&key, &host), &put);
    }
    same::<grant::IssuedGrant>(bytes);
}

/// Three header values, one a line.
fn http_signature(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let mut lines = text.split('\n').map(str::to_owned);
    let headers = SignatureHeaders {
        signature_input: lines.next().unwrap_or_default(),
        signature: lines.next().unwrap_or_default(),
        content_digest: lines.next(),
    };
    if let Ok(parsed) = http_sig::parse(&headers) {
        let parts = RequestParts {
            method: "POST",
            authority: "relay.example",
            path: "/pmr/v1/grants",
            query: None,
            body: Some(b"body"),
        };
        let _ = parsed.verify(&parts, &delegate().public());
    }
}

fn pds_api(bytes: &[u8]) {
    let _ = serde_json::from_slice::<CreateInput>(bytes);
    let _ = serde_json::from_slice::<UpdateInput>(bytes);
    let _ = serde_json::from_slice::<DeleteInput>(bytes);
    let _ = serde_json::from_slice::<WriteOutput>(bytes);
    if let Ok(output) = serde_json::from_slice::<GetOutput>(bytes) {
        let _ = output.audience.scope();
    }
}

fn relay_bodies(bytes: &[u8]) {
    same::<api::Acks>(bytes);
    same::<api::Adjudication>(bytes);
    same::<api::Blocks>(bytes);
    same::<api::ClaimRequest>(bytes);
    same::<api::ClaimResponse>(bytes);
    same::<api::ErrorBody>(bytes);
    same::<api::GrantList>(bytes);
    same::<api::GrantPatch>(bytes);
    same::<api::GrantsPatch>(bytes);
    same::<api::GrantsRequest>(bytes);
    same::<api::GrantsResponse>(bytes);
    same::<api::KeyPackagesPut>(bytes);
    same::<api::KeyPackagesState>(bytes);
    same::<api::ObjectList>(bytes);
    same::<api::Pool>(bytes);
    same::<api::AnchorStatus>(bytes);
    same::<api::RegistrationPatch>(bytes);
    same::<api::RegistrationRequest>(bytes);
    same::<api::RegistrationStatus>(bytes);
    if let Ok(page) = cbor::decode::<api::MessagesPage>(bytes, MAX) {
        assert_eq!(cbor::encode(&page), bytes);
        let _ = page.cursor.as_deref().map(api::paths::messages_query);
    }
}
