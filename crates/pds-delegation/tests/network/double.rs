//! A way to the PDS on which PLC operations, or the answers to them, get lost.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use crate::fixture::client;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loses {
    Operations,
    Answers,
}

#[derive(Clone)]
struct Way {
    to: String,
    loses: Loses,
}

/// Where such a way begins that leads to `to`.
pub(crate) fn way(to: String, loses: Loses) -> String {
    let (started, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            started.send(listener.local_addr().unwrap()).unwrap();
            let app = Router::new().fallback(pass).with_state(Way { to, loses });
            axum::serve(listener, app).await.unwrap();
        });
    });
    format!("http://{}", address.recv().unwrap())
}

async fn pass(
    State(way): State<Way>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let submits = uri.path().ends_with("submitPlcOperation");
    let lost = StatusCode::INTERNAL_SERVER_ERROR;
    if submits && way.loses == Loses::Operations {
        return lost.into_response();
    }
    let request = client()
        .request(method, format!("{}{uri}", way.to))
        .headers(headers)
        .body(body);
    let answer = request.send().await.unwrap();
    if submits {
        assert!(answer.status().is_success());
        return lost.into_response();
    }
    let status = answer.status();
    let kind = answer.headers().get("content-type").cloned();
    let mut response = (status, answer.bytes().await.unwrap()).into_response();
    if let Some(kind) = kind {
        response.headers_mut().insert("content-type", kind);
    }
    response
}
