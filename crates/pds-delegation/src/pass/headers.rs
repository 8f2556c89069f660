//! Which headers go on (RFC 9110 §7.6.1), and what is added.

use std::net::SocketAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// For one connection only, whatever `Connection` says. `Expect` is answered here.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Without what was meant for the last connection only. `Host` and `DPoP` stay as they are: the PDS
/// finds handles by the one and verifies the other against its own public URL.
pub(super) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named = connection_options(headers);
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let own = HOP_BY_HOP.contains(&name.as_str());
        if !own && !named.iter().any(|option| option == name.as_str()) {
            kept.append(name, value.clone());
        }
    }
    kept
}

/// The headers that `Connection` names, lower case.
fn connection_options(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::CONNECTION).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|option| option.trim().to_ascii_lowercase())
        .filter(|option| option != "host")
        .collect()
}

/// The protocol that this side wants to switch to.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = connection_options(headers)
        .iter()
        .any(|option| option == "upgrade");
    headers.get(header::UPGRADE).filter(|_| asked).cloned()
}

/// Says the same to the other side.
pub(super) fn ask_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    let connection = HeaderValue::from_static("upgrade");
    headers.insert(header::CONNECTION, connection);
    headers.insert(header::UPGRADE, protocol);
}

/// Names the client at the end of `X-Forwarded-For`: the PDS counts its rates by it, and believes
/// the entries of machines near it only.
pub(super) fn append_client(headers: &mut HeaderMap, peer: SocketAddr) {
    let ip = peer.ip().to_canonical().to_string();
    let before: Vec<&str> = headers
        .get_all(&FORWARDED_FOR)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let all = [before.as_slice(), &[ip.as_str()]].concat().join(", ");
    if let Ok(value) = HeaderValue::from_str(&all) {
        headers.insert(FORWARDED_FOR, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let mut headers = HeaderMap::new();
        pairs.for_each(|(name, value)| _ = headers.append(name, value));
        headers
    }

    #[test]
    fn only_what_is_for_the_last_connection_goes() {
        let kept = headers(&[
            ("host", "pds.example"),
            ("dpop", "proof"),
            ("authorization", "DPoP x"),
            ("set-cookie", "a"),
            ("set-cookie", "b"),
            ("atproto-proxy", "did:web:x#y"),
        ]);
        let mut all = kept.clone();
        for name in HOP_BY_HOP {
            all.append(name, HeaderValue::from_static("x"));
        }
        all.append(
            "connection",
            HeaderValue::from_static("Close, X-Private, Host"),
        );
        all.append("x-private", HeaderValue::from_static("x"));
        assert_eq!(end_to_end(&all), kept);
    }

    #[test]
    fn an_upgrade_is_one_that_connection_names() {
        let asked = headers(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
        ]);
        assert_eq!(upgrade(&asked).unwrap(), "websocket");
        let stray = headers(&[("upgrade", "websocket"), ("connection", "keep-alive")]);
        assert_eq!(upgrade(&stray), None);
    }

    #[test]
    fn the_client_comes_last() {
        let mut given = headers(&[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "::1")]);
        append_client(&mut given, "[::ffff:10.0.0.1]:5".parse().unwrap());
        let all: Vec<_> = given.get_all("x-forwarded-for").iter().collect();
        assert_eq!(all, ["1.2.3.4, ::1, 10.0.0.1"]);
    }
}
