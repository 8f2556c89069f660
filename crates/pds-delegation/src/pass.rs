//! Everything that is not the API goes to the PDS as it came, streaming in both directions.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::error::ApiError;
use crate::server::Connection;
use crate::state::State;

mod headers;
mod tunnel;

/// Passes a request through.
pub(crate) async fn pass(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    match exchange(&state, request).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn exchange(state: &Arc<State>, mut request: Request) -> Result<Response, ApiError> {
    let path = request.uri().path_and_query();
    let path = path.filter(|path| path.as_str().starts_with('/'));
    // CONNECT, and `OPTIONS *`, are for proxies of another kind.
    let Some(path) = path.map(|path| path.as_str().to_owned()) else {
        return Err(ApiError::invalid("no path"));
    };
    let connection = request.extensions().get::<Connection>().cloned();
    let upgrade = headers::upgrade(request.headers());
    let client = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let (parts, body) = request.into_parts();
    let mut headers = headers::end_to_end(&parts.headers);
    if let Some(connection) = &connection {
        headers::append_client(&mut headers, connection.peer);
    }
    if let Some(protocol) = upgrade {
        headers::ask_upgrade(&mut headers, protocol);
    }
    let body = sized(&mut headers, &parts.method, body);

    let asked = state.upstream.pass(parts.method, &path, headers, body);
    let mut answer = tokio::time::timeout(state.upstream_timeout(), asked)
        .await
        .map_err(|_| ApiError::upstream().with_status(StatusCode::GATEWAY_TIMEOUT))?
        .map_err(|_| ApiError::upstream())?;
    let switching = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    let upgrade = headers::upgrade(answer.headers()).filter(|_| switching);
    let mut headers = headers::end_to_end(answer.headers());
    match (client, upgrade) {
        (Some(client), Some(protocol)) => {
            headers::ask_upgrade(&mut headers, protocol);
            tunnel::open(state, client, hyper::upgrade::on(&mut answer), connection);
        }
        // Nobody asked for it, or it does not say to what.
        _ if switching => return Err(ApiError::upstream()),
        _ => {}
    }
    let (parts, body) = answer.into_parts();
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = parts.status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// The length is what was read, never what a header says beside another framing. A body of none is
/// said to be of length 0 where the method means one to be there.
fn sized(headers: &mut HeaderMap, method: &Method, body: Body) -> Body {
    headers.remove(header::CONTENT_LENGTH);
    let bodiless = [Method::GET, Method::HEAD, Method::OPTIONS];
    match body.size_hint().exact() {
        Some(0) if bodiless.contains(method) => {}
        Some(length) => _ = headers.insert(header::CONTENT_LENGTH, length.into()),
        None => {}
    }
    body
}
