//! Errors to owners and claimants (§4): a status for HTTP, a stable code for the client. Putting
//! into a mailbox has its own, poorer vocabulary (`routes::inbox`).

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sotto_wire::relay_api::ErrorBody;

use crate::reply::cbor;
use crate::store::StoreError;

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    retry_after: Option<u64>,
    left: Option<u64>,
}

impl ApiError {
    /// A refusal with `status` and `code`.
    pub(crate) const fn new(status: StatusCode, code: &'static str) -> Self {
        Self {
            status,
            code,
            retry_after: None,
            left: None,
        }
    }

    /// The body is not what the section says.
    pub(crate) const fn malformed() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed")
    }

    /// It carries something of both realms, or of the other one than its key is in.
    pub(crate) const fn mixed_realms() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "mixed-realms")
    }

    /// The body is larger than the endpoint allows.
    pub(crate) const fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large")
    }

    /// The body was not read, for the reason of [`crate::body::read`].
    pub(crate) fn unread(status: StatusCode) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(),
            StatusCode::REQUEST_TIMEOUT => Self::new(status, "timeout"),
            _ => Self::malformed(),
        }
    }

    /// The request is not authenticated; `code` says what is missing.
    pub(crate) const fn unauthorized(code: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code)
    }

    /// Something of the caller's own does not exist.
    pub(crate) const fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found")
    }

    /// Asked too often; again after `seconds`.
    pub(crate) const fn too_many(seconds: u64) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "too-many-requests",
            retry_after: Some(seconds),
            left: None,
        }
    }

    /// The relay cannot work at the moment.
    pub(crate) const fn unavailable() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "unavailable",
            retry_after: Some(5),
            left: None,
        }
    }

    /// The object has another hash than its name.
    pub(crate) const fn wrong_name() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "wrong-name")
    }

    /// The account keeps as much as it may; `left` bytes would still fit.
    pub(crate) const fn quota(left: u64) -> Self {
        Self {
            left: Some(left),
            ..Self::new(StatusCode::INSUFFICIENT_STORAGE, "quota")
        }
    }

    /// The relay's own disk is full.
    pub(crate) const fn no_room() -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "no-room")
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        // SQLite's messages name tables and columns, never values.
        tracing::error!(reason = %error, "the store failed");
        Self::unavailable()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            left: self.left,
            error: self.code.to_owned(),
        };
        let mut response = cbor(self.status, &body);
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(axum::http::header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
