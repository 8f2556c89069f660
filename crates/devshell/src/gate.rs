//! Who may ask. A page of any website can make the browser send requests to loopback: through a
//! host name that resolves to 127.0.0.1 (DNS rebinding), or across origins. Both show in headers
//! that a page cannot set.

use axum::http::{HeaderMap, Method, header};
use std::sync::Arc;

/// Knows under which names this server is itself.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<[String]>);

impl Gate {
    /// `authorities` as in a `Host` header: `localhost:1421`.
    pub(crate) fn new(authorities: Vec<String>) -> Self {
        Self(authorities.into())
    }

    /// Whether the request came here under one of this server's own names.
    pub(crate) fn knows_host(&self, headers: &HeaderMap) -> bool {
        only(headers, header::HOST.as_str())
            .is_some_and(|host| self.0.iter().any(|own| own == host))
    }

    /// Whether a page of this server's own origin asks. Browsers name the origin with every POST
    /// and with every WebSocket; a request without it has no business here.
    pub(crate) fn knows_origin(&self, headers: &HeaderMap) -> bool {
        only(headers, header::ORIGIN.as_str())
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|authority| self.0.iter().any(|own| own == authority))
    }
}

/// Whether the body is said to be JSON. A form of another website cannot say so without asking
/// first (CORS), which nothing here answers.
pub(crate) fn is_json(method: &Method, headers: &HeaderMap) -> bool {
    if method != Method::POST {
        return true;
    }
    let Some(value) = only(headers, header::CONTENT_TYPE.as_str()) else {
        return false;
    };
    value
        .split(';')
        .next()
        .is_some_and(|kind| kind.trim() == "application/json")
}

/// Whether the body is said to be bytes, which is as safe.
pub(crate) fn is_bytes(headers: &HeaderMap) -> bool {
    only(headers, header::CONTENT_TYPE.as_str()) == Some("application/octet-stream")
}

/// The value of a header that is there exactly once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        Gate::new(vec![
            "127.0.0.1:1421".to_owned(),
            "localhost:1421".to_owned(),
        ])
    }

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        let pairs = values.iter().map(|value| {
            let name = axum::http::HeaderName::from_static(name);
            (name, axum::http::HeaderValue::from_static(value))
        });
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name, value);
        }
        map
    }

    #[test]
    fn a_foreign_host_is_refused() {
        assert!(gate().knows_host(&headers("host", &["localhost:1421"])));
        for host in [
            "localhost",
            "localhost:1422",
            "attacker.example:1421",
            "localhost:1421.x",
        ] {
            assert!(!gate().knows_host(&headers("host", &[host])), "{host}");
        }
        assert!(!gate().knows_host(&HeaderMap::new()));
        assert!(!gate().knows_host(&headers("host", &["localhost:1421", "attacker.example"])));
    }

    #[test]
    fn a_foreign_origin_is_refused() {
        assert!(gate().knows_origin(&headers("origin", &["http://127.0.0.1:1421"])));
        for origin in [
            "null",
            "https://127.0.0.1:1421",
            "http://127.0.0.1:1422",
            "http://a.example",
        ] {
            assert!(
                !gate().knows_origin(&headers("origin", &[origin])),
                "{origin}"
            );
        }
        assert!(!gate().knows_origin(&HeaderMap::new()));
    }

    #[test]
    fn a_form_is_not_json() {
        let json = |value| is_json(&Method::POST, &headers("content-type", &[value]));
        assert!(json("application/json"));
        assert!(json("application/json; charset=utf-8"));
        assert!(!json("text/plain"));
        assert!(!json("application/x-www-form-urlencoded"));
        assert!(!is_json(&Method::POST, &HeaderMap::new()));
        assert!(is_json(&Method::GET, &HeaderMap::new()));
    }
}
