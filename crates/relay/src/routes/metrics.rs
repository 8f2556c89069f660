//! `GET /metrics`, on the operator's port: the numbers of this process in the format of OpenMetrics.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use super::health;
use crate::metrics;
use crate::state::State;
use crate::store::figures;
use crate::tls::Certificate;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Looked = (Arc<State>, Option<Arc<Certificate>>);

/// Looks at what waits, and tells everything. What the database does not tell is left as it was.
pub(super) async fn get(Shared((state, certificate)): Shared<Looked>) -> Response {
    let figures = state.store.read(figures::figures).await.ok();
    let ready = health::able(&state).await;
    let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let text = metrics::encoded(|gauges| {
        gauges.ready.set(ready.into());
        gauges.sockets.set(whole(state.hub.len()));
        gauges
            .journal
            .set(whole(state.journaled.load(Ordering::Acquire)));
        let expiry = certificate.and_then(|certificate| certificate.not_after());
        gauges.certificate.set(expiry.unwrap_or(0));
        if let Some(figures) = figures {
            gauges.queued.set(figures.queued);
            gauges.pooled.set(figures.pooled);
            gauges.accounts.set(figures.accounts);
        }
    });
    ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response()
}
