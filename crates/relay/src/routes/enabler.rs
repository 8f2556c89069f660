//! `GET /.well-known/private-messaging-enabler.json` (§4.1), from the values that are enforced.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sotto_wire::attachment::MAX_OBJECT;
use sotto_wire::enabler::{
    Attachments, Capabilities, Core, DidMailbox, EnablerDocument, Grant, KeyPackages,
};
use sotto_wire::relay_api::{CONTENT_TYPE, GrantLifecycle, MAX_KEY_PACKAGE};

use crate::config::Limits;
use crate::state::State;

/// What this relay offers.
pub(super) async fn get(Shared(state): Shared<Arc<State>>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, document(&state.limits, state.lifecycle).to_json()).into_response()
}

fn document(limits: &Limits, lifecycle: GrantLifecycle) -> EnablerDocument {
    let versions = || vec!["1".to_owned()];
    let path_prefix = || "/pmr/v1".to_owned();
    let capabilities = Capabilities {
        core: Core {
            versions: versions(),
            path_prefix: path_prefix(),
            challenge_expiry: limits.challenge_expiry,
            max_ack_batch: limits.max_ack_batch,
            max_in_flight: Some(limits.in_flight),
            challenges_per_minute: Some(limits.challenges_per_minute),
            registrations_per_minute: Some(limits.lookups_per_minute),
            requests_per_minute: None,
        },
        did_mailbox: Some(DidMailbox {
            versions: versions(),
            path_prefix: path_prefix(),
            message_max_bytes: limits.message_max_bytes,
            message_expiry: limits.message_expiry,
            max_waiting: Some(limits.reservation),
            puts_per_minute: Some(limits.lookups_per_minute),
            max_blocks: Some(limits.blocks_max),
        }),
        grant: Some(Grant {
            versions: versions(),
            path_prefix: path_prefix(),
            message_max_bytes: limits.message_max_bytes,
            message_expiry: limits.message_expiry,
            lifecycle: lifecycle.as_str().to_owned(),
            max_per_request: limits.grants_per_request,
            max_grants: Some(limits.grants_per_device),
            grant_expiry: Some(limits.grant_lifetime),
            max_waiting: Some(limits.grant_queue),
            puts_per_minute: Some(limits.puts_per_minute),
        }),
        key_packages: Some(KeyPackages {
            versions: versions(),
            path_prefix: path_prefix(),
            max_single_use: limits.single_use_max,
            claims_per_hour: limits.claims_per_hour,
            package_max_bytes: Some(MAX_KEY_PACKAGE as u64),
            lookups_per_minute: Some(limits.lookups_per_minute),
            single_use_per_day: Some(limits.single_use_per_day),
            single_use_per_claimant: Some(limits.single_use_per_claimant),
        }),
        attachments: Some(Attachments {
            versions: versions(),
            path_prefix: path_prefix(),
            object_max_bytes: MAX_OBJECT as u64,
            account_max_bytes: limits.attachment_max_bytes,
            object_expiry: limits.attachment_expiry,
            fetches_per_minute: Some(limits.attachment_fetches_per_minute),
        }),
    };
    EnablerDocument::new(vec![CONTENT_TYPE.to_owned()], capabilities)
}
