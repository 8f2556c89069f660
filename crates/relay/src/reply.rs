//! Building responses.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use sotto_wire::challenge::{NEXT_CHALLENGE, Realm};

use crate::state::State;

const CBOR: HeaderValue = HeaderValue::from_static("application/cbor");

/// A response with a CBOR body.
pub(crate) fn cbor<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let mut response = Response::new(Body::from(sotto_wire::cbor::encode(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, CBOR);
    response
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Adds the next challenge for `realm` and `subject` (§4.2).
pub(crate) fn with_next_challenge(
    state: &State,
    realm: Realm,
    subject: &str,
    mut response: Response,
) -> Response {
    let minted = state.mint(realm, subject);
    if let Ok(value) = HeaderValue::from_str(&minted.header_value()) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(NEXT_CHALLENGE), value);
    }
    response
}
