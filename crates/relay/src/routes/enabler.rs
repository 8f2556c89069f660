//! `GET /.well-known/private-messaging-enabler.json` (§4.1), from the values that are enforced.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sotto_wire::attachment::MAX_OBJECT;
use sotto_wire::enabler::{
    Attachments, Capabilities, Core, DidMailbox, EnablerDocument, Grant, KeyPackages,
};
use sotto_wire::relay_api::CONTENT_TYPE;

use crate::config::Limits;
use crate::state::State;

/// What this relay offers.
pub(super) async fn get(Shared(state): Shared<Arc<State>>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, document(&state.limits).to_json()).into_response()
}

fn document(limits: &Limits) -> EnablerDocument {
    let versions = || vec!["1".to_owned()];
    let path_prefix = || "/pmr/v1".to_owned();
    let capabilities = Capabilities {
        core: Core {
            versions: versions(),
            path_prefix: path_prefix(),
            challenge_expiry: limits.challenge_expiry,
            max_ack_batch: limits.max_ack_batch,
        },
        did_mailbox: Some(DidMailbox {
            versions: versions(),
            path_prefix: path_prefix(),
            message_max_bytes: limits.message_max_bytes,
            message_expiry: limits.message_expiry,
        }),
        grant: Some(Grant {
            versions: versions(),
            path_prefix: path_prefix(),
            message_max_bytes: limits.message_max_bytes,
            message_expiry: limits.message_expiry,
            lifecycle: "active".to_owned(),
            max_per_request: limits.grants_per_request,
        }),
        key_packages: Some(KeyPackages {
            versions: versions(),
            path_prefix: path_prefix(),
            max_single_use: limits.single_use_max,
            claims_per_hour: limits.claims_per_hour,
        }),
        attachments: Some(Attachments {
            versions: versions(),
            path_prefix: path_prefix(),
            object_max_bytes: MAX_OBJECT as u64,
            account_max_bytes: limits.attachment_max_bytes,
            object_expiry: limits.attachment_expiry,
        }),
    };
    EnablerDocument::new(vec![CONTENT_TYPE.to_owned()], capabilities)
}
