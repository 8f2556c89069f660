//! The routes, and what stands before them.

use crate::{
    api::{self, Failure},
    browser::BrowserOfTheUi,
    events,
    files::{self, Chosen},
    gate::{self, Gate},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use sotto_core::app::App;
use std::{path::Path, sync::Arc};
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

/// More than the longest text message, in JSON escapes.
const MAX_BODY: usize = 256 * 1024;
/// More than the largest picture that is looked at, in base64.
const MAX_PICTURE: usize = 12 * 1024 * 1024;

/// Where files come in, as they are.
const ATTACH: &str = "/attach_file";

/// The desktop window's policy (`src-tauri/tauri.conf.json`), only that the core is at `'self'`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// What every request needs.
#[derive(Clone)]
pub(crate) struct Shell {
    /// The app.
    pub(crate) app: App,
    /// Where its URLs go.
    pub(crate) browser: Arc<BrowserOfTheUi>,
    /// Who may ask.
    pub(crate) gate: Gate,
    /// Files that pages handed over.
    pub(crate) chosen: Arc<Chosen>,
}

/// Everything this program answers; `ui` is the folder of the built user interface.
pub(crate) fn router(shell: Shell, ui: &Path) -> Router {
    let own_pages = middleware::from_fn_with_state(shell.gate.clone(), only_own_pages);
    let own_names = middleware::from_fn_with_state(shell.gate.clone(), only_own_names);
    let pictures = post(api::compare_safety_code).layer(DefaultBodyLimit::max(MAX_PICTURE));
    let files = post(files::attach).layer(DefaultBodyLimit::max(files::MAX_FILE));
    let api = Router::new()
        .route("/events", get(events::events))
        .route("/compare_safety_code", pictures)
        .route(ATTACH, files)
        .route("/save_attachment", post(files::save))
        .route("/{command}", post(api::command))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(own_pages)
        .with_state(shell);
    Router::new()
        .nest("/api", api)
        .fallback_service(ServeDir::new(ui))
        .layer(own_names)
        .layer(always(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        .layer(always(header::CACHE_CONTROL, "no-store"))
}

fn always(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

async fn only_own_names(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if gate.knows_host(request.headers()) {
        return next.run(request).await;
    }
    Failure::of_request(StatusCode::FORBIDDEN, "unknown host").into_response()
}

async fn only_own_pages(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if !gate.knows_origin(request.headers()) {
        return Failure::of_request(StatusCode::FORBIDDEN, "unknown origin").into_response();
    }
    // Nor can a form say that it is bytes.
    let bytes = request.uri().path() == ATTACH && gate::is_bytes(request.headers());
    if !bytes && !gate::is_json(request.method(), request.headers()) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Failure::of_request(status, "the body must be application/json").into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::POLICY;
    use std::collections::BTreeMap;

    #[test]
    fn the_policy_is_the_windows_one() {
        let config = include_str!("../../../src-tauri/tauri.conf.json");
        let config: serde_json::Value = serde_json::from_str(config).unwrap();
        let mut expected: BTreeMap<String, String> =
            serde_json::from_value(config["app"]["security"]["csp"].clone()).unwrap();
        expected.insert("connect-src".to_owned(), "'self'".to_owned());
        let actual: BTreeMap<String, String> = POLICY
            .split("; ")
            .map(|directive| directive.split_once(' ').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(actual, expected);
    }
}
