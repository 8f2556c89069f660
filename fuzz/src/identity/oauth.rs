//! OAuth: metadata, answers, and the browser that comes back.

use super::{halves, runtime};
use crate::Target;
use serde_json::Value;
use sotto_identity::entries::oauth as entries;
use sotto_identity::http::Response;
use url::Url;

pub(super) const OAUTH_ANSWER: Target = Target {
    name: "oauth_answer",
    run: answer,
};
pub(super) const OAUTH_METADATA: Target = Target {
    name: "oauth_metadata",
    run: metadata,
};
pub(super) const OAUTH_REDIRECT: Target = Target {
    name: "oauth_redirect",
    run: redirect,
};

/// A header and a body, under each status that is told from others.
fn answer(bytes: &[u8]) {
    let (header, body) = halves(bytes);
    let header = String::from_utf8_lossy(header).into_owned();
    for status in [200, 201, 400, 401, 500] {
        let _ = entries::answer(&Response {
            status,
            headers: vec![("www-authenticate".to_owned(), header.clone())],
            body: body.to_vec(),
        });
    }
    let _ = entries::stored(bytes);
}

fn metadata(bytes: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let pds = Url::parse("https://pds.example").expect("a URL");
    let _ = entries::metadata(&json, &pds);
    let _ = entries::published(&json);
}

fn redirect(bytes: &[u8]) {
    let _ = runtime().block_on(entries::redirect(bytes, "state"));
}
