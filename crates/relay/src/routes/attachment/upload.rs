//! Taking an object. Its name is the hash of its bytes, and what the signature covers is that hash:
//! so who sends is known before the first byte of the body is read.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Request, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sotto_wire::attachment::ObjectName;
use sotto_wire::relay_api::paths;

use crate::auth::{self, Announced};
use crate::error::ApiError;
use crate::state::{State, seconds};
use crate::store::attachments::{self, Added, NewObject};
use crate::{body, objects, reply};

/// Takes an object; 201, or 200 where the account had put it before.
pub(in crate::routes) async fn put(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    match ObjectName::parse(&name) {
        Ok(name) => received(&state, name, request).await,
        Err(_) => ApiError::malformed().into_response(),
    }
}

/// The same under the name that the announced digest is, which the answer says in `Location`.
pub(in crate::routes) async fn post(
    Shared(state): Shared<Arc<State>>,
    request: Request,
) -> Response {
    let name = match auth::announced(request.headers()) {
        Ok(digest) => ObjectName::from_bytes(digest),
        Err(error) => return error.into_response(),
    };
    let mut response = received(&state, name, request).await;
    if response.status().is_success()
        && let Ok(path) = HeaderValue::from_str(&paths::attachment(&name))
    {
        response.headers_mut().insert(header::LOCATION, path);
    }
    response
}

async fn received(state: &Arc<State>, name: ObjectName, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let announced = match Announced::read(&parts, state, name.as_bytes()).await {
        Ok(announced) => announced,
        Err(error) => return error.into_response(),
    };
    let request = Request::from_parts(parts, body);
    let result = taken(state, &announced, name, request).await;
    let response = result.unwrap_or_else(ApiError::into_response);
    let realm = announced.owner.realm();
    reply::with_next_challenge(state, realm, &announced.keyid, response)
}

async fn taken(
    state: &Arc<State>,
    announced: &Announced,
    name: ObjectName,
    request: Request,
) -> Result<Response, ApiError> {
    let _permit = state
        .objects
        .uploads
        .try_acquire()
        .map_err(|_| ApiError::unavailable())?;
    let limit = Duration::from_secs(state.limits.attachment_timeout);
    let bytes = body::read_within(request, state, limit)
        .await
        .map_err(ApiError::unread)?;
    if bytes.is_empty() {
        return Err(ApiError::malformed());
    }
    if ObjectName::of(&bytes) != name {
        return Err(ApiError::wrong_name());
    }
    let new = NewObject {
        name,
        account: announced.owner.account,
        size: seconds(bytes.len() as u64),
        expires_at: state.later(state.limits.attachment_expiry),
        max_bytes: seconds(state.limits.attachment_max_bytes),
    };
    let added = stored(state, new, bytes).await?;
    match added {
        Added::Created => Ok(reply::empty(StatusCode::CREATED)),
        Added::Renewed => Ok(reply::empty(StatusCode::OK)),
        Added::Full { left } => {
            objects::reap(state).await?;
            Err(ApiError::quota(left))
        }
    }
}

/// First the file, then the row.
async fn stored(state: &Arc<State>, new: NewObject, bytes: Bytes) -> Result<Added, ApiError> {
    let _lock = state.objects.lock(&new.name).await;
    let refused = state
        .store
        .read(move |sql| attachments::refusal(sql, &new))
        .await?;
    if let Some(left) = refused {
        return Ok(Added::Full { left });
    }
    let kept = state
        .store
        .read(move |sql| attachments::is_kept(sql, &new.name))
        .await?;
    let shared = state.store.notices().is_some();
    if shared {
        let expected = state
            .store
            .write(move |sql| attachments::expect(sql, &new.name));
        expected.await?;
    }
    written(state, &new, bytes.clone(), kept).await?;
    let added = state
        .store
        .write(move |sql| attachments::add(sql, &new))
        .await?;
    if shared && !matches!(added, Added::Full { .. }) {
        // Another process may have found a file without a row in between.
        written(state, &new, bytes, true).await?;
    }
    Ok(added)
}

/// Writes the file, unless it is `kept` and there.
async fn written(state: &State, new: &NewObject, bytes: Bytes, kept: bool) -> Result<(), ApiError> {
    let (objects, name) = (Arc::clone(&state.objects), new.name);
    let written = tokio::task::spawn_blocking(move || {
        let there = std::fs::metadata(objects.path(&name));
        // Without a row, a file is what a crash left: perhaps not on the disk yet.
        if kept && there.is_ok_and(|it| it.len() == bytes.len() as u64) {
            return Ok(());
        }
        objects.write(&name, &bytes)
    });
    match written.await {
        Ok(written) => written.map_err(|error| unwritten(&error)),
        Err(_) => Err(ApiError::unavailable()),
    }
}

fn unwritten(error: &io::Error) -> ApiError {
    tracing::error!(reason = %error.kind(), "an object was not written");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ApiError::no_room(),
        _ => ApiError::unavailable(),
    }
}
