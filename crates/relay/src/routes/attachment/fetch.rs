//! Giving an object to whoever knows its name: the name is the secret, and the bytes are encrypted.

use std::io::SeekFrom;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sotto_wire::attachment::ObjectName;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::range::{self, Part};
use crate::error::ApiError;
use crate::routes::client;
use crate::state::State;
use crate::store::attachments;

/// An object, or a part of it (RFC 9110 §14). Also answers `HEAD`.
pub(in crate::routes) async fn get(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let address = client::address(&state, &request);
    let result = found(&state, &name, address, request.headers().clone()).await;
    result.unwrap_or_else(ApiError::into_response)
}

async fn found(
    state: &State,
    name: &str,
    address: IpAddr,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    state
        .rates
        .attachments
        .take(address, state.clock.now_ms())
        .map_err(ApiError::too_many)?;
    let name = ObjectName::parse(name).map_err(|_| ApiError::not_found())?;
    let now = state.now_i64();
    let size = state
        .store
        .read(move |sql| attachments::size(sql, &name, now))
        .await?
        .and_then(|size| u64::try_from(size).ok())
        .ok_or(ApiError::not_found())?;
    // Deleted between the row and the file: as if asked a moment later.
    let file = File::open(state.objects.path(&name))
        .await
        .map_err(|_| ApiError::not_found())?;
    let etag = format!("\"{name}\"");
    let part = range::asked(&headers, &etag, size);
    answer(file, size, part, &etag).await
}

async fn answer(mut file: File, size: u64, part: Part, etag: &str) -> Result<Response, ApiError> {
    let (status, first, len) = match part {
        Part::Whole => (StatusCode::OK, 0, size),
        Part::Bytes { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Part::Nothing => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    file.seek(SeekFrom::Start(first))
        .await
        .map_err(|_| ApiError::unavailable())?;
    let mut response = Response::new(Body::from_stream(ReaderStream::new(file.take(len))));
    *response.status_mut() = status;
    let range = match part {
        Part::Whole => None,
        Part::Bytes { first, last } => Some(format!("bytes {first}-{last}/{size}")),
        Part::Nothing => Some(format!("bytes */{size}")),
    };
    fill(response.headers_mut(), len, range, etag);
    Ok(response)
}

/// Nobody checks that what an account puts is encrypted: a browser must not show it as a page of
/// this domain.
fn fill(headers: &mut HeaderMap, len: u64, range: Option<String>, etag: &str) {
    let fixed = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CONTENT_DISPOSITION, "attachment"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'",
        ),
        (header::ACCEPT_RANGES, "bytes"),
        // A copy elsewhere would outlive its removal.
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    headers.insert(header::CONTENT_LENGTH, len.into());
    let texts = [
        (header::ETAG, Some(etag.to_owned())),
        (header::CONTENT_RANGE, range),
    ];
    for (name, text) in texts {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
}
