//! Refusals, as XRPC has them: a status, and a body with a named error (docs/protocol.md §1.9).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sotto_wire::pds_api::ErrorName;

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    pub(crate) name: ErrorName,
    message: &'static str,
}

impl ApiError {
    /// A refusal with the status that belongs to the name.
    pub(crate) const fn new(name: ErrorName, message: &'static str) -> Self {
        let status = match name {
            ErrorName::AuthenticationRequired
            | ErrorName::BadJwt
            | ErrorName::BadJwtAudience
            | ErrorName::BadJwtLexiconMethod
            | ErrorName::BadJwtSignature
            | ErrorName::JwtExpired
            | ErrorName::JwtReplayed => StatusCode::UNAUTHORIZED,
            ErrorName::RateLimitExceeded => StatusCode::TOO_MANY_REQUESTS,
            ErrorName::DocumentFailed | ErrorName::HalfDone | ErrorName::UpstreamFailure => {
                StatusCode::BAD_GATEWAY
            }
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            status,
            name,
            message,
        }
    }

    /// The request is not what the lexicon says.
    pub(crate) const fn invalid(message: &'static str) -> Self {
        Self::new(ErrorName::InvalidRequest, message)
    }

    /// The same with another status of HTTP.
    pub(crate) const fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The PDS cannot be asked.
    pub(crate) const fn upstream() -> Self {
        Self::new(ErrorName::UpstreamFailure, "the PDS cannot be asked now")
    }

    /// The directory cannot be asked.
    pub(crate) const fn directory() -> Self {
        let message = "the PLC directory cannot be asked now";
        Self::new(ErrorName::UpstreamFailure, message)
    }

    /// Too many calls at the same time.
    pub(crate) const fn busy() -> Self {
        Self::new(ErrorName::RateLimitExceeded, "too many calls, try again")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.name.as_str(), "message": self.message });
        let mut response = (self.status, axum::Json(body)).into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            let soon = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}
