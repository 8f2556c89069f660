//! Discovery domains (docs/protocol.md §0): where an account's relay is reached. The text also goes
//! into keys' derivations and signatures, so there is one spelling for each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A discovery domain, `host` or `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

/// The text is not a discovery domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a discovery domain")]
pub struct InvalidDomain;

/// A loopback domain outside development mode: nobody else's relay is on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a loopback domain is for development only")]
pub struct InsecureDomain;

impl Domain {
    /// Checks a text: a lower-case host name with a dot, or one of the loopback hosts `localhost`,
    /// `127.0.0.1`, `[::1]`; then `:` and a port where it is not 443.
    ///
    /// # Errors
    /// [`InvalidDomain`] for everything else, such as upper case, other IP addresses, a scheme or
    /// a path.
    pub fn parse(text: &str) -> Result<Self, InvalidDomain> {
        let (host, port) = split(text);
        let host_valid = is_loopback(host) || is_host_name(host);
        let port_valid = port.is_none_or(|port| port != "443" && is_port(port));
        if host_valid && port_valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidDomain)
        }
    }

    /// The domain's text, which is also the `@authority` of requests (§4.2).
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the host is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(split(&self.0).0)
    }

    /// The URL without a path: `https://{domain}`, and `http://{domain}` for a loopback host in
    /// development mode.
    ///
    /// # Errors
    /// [`InsecureDomain`] for a loopback host outside development mode: a peer could otherwise
    /// point this client at services of its own machine.
    pub fn base_url(&self, development: bool) -> Result<String, InsecureDomain> {
        match (self.is_loopback(), development) {
            (false, _) => Ok(format!("https://{}", self.0)),
            (true, true) => Ok(format!("http://{}", self.0)),
            (true, false) => Err(InsecureDomain),
        }
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    // The colons inside `[::1]` are not the port's.
    let port_at = text
        .rfind(':')
        .filter(|at| text.rfind(']').is_none_or(|end| end < *at));
    match port_at.and_then(|at| text.split_at_checked(at)) {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => (text, None),
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Digits without leading zeros, 1 to 65535.
pub(crate) fn is_port(text: &str) -> bool {
    !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
}

/// A lower-case DNS name of two labels or more whose last label is not a number, so that it cannot
/// be an IPv4 address.
pub(crate) fn is_host_name(host: &str) -> bool {
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(is_label)
        && host
            .rsplit('.')
            .next()
            .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()))
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Domain {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Domain {
    type Err = InvalidDomain;

    fn from_str(text: &str) -> Result<Self, InvalidDomain> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Domain {
    type Error = InvalidDomain;

    fn try_from(text: String) -> Result<Self, InvalidDomain> {
        Self::parse(&text)
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_hosts_and_ports() {
        for (text, url) in [
            ("relay.example", "https://relay.example"),
            ("relay.example:8443", "https://relay.example:8443"),
            (
                "a-b.xn--bcher-kva.example",
                "https://a-b.xn--bcher-kva.example",
            ),
            ("localhost", "http://localhost"),
            ("127.0.0.1:2583", "http://127.0.0.1:2583"),
            ("[::1]:80", "http://[::1]:80"),
        ] {
            assert_eq!(Domain::parse(text).unwrap().base_url(true).unwrap(), url);
        }
    }

    #[test]
    fn refuses_other_spellings() {
        for text in [
            "",
            "example",
            "Relay.example",
            "relay.example.",
            ".example",
            "relay..example",
            "relay.example:443",
            "relay.example:0",
            "relay.example:080",
            "relay.example:65536",
            "relay.example:",
            "relay.example:+1",
            "https://relay.example",
            "relay.example/",
            "user@relay.example",
            "relay.example?x",
            "relay.example#x",
            "10.0.0.1",
            "192.168.0.1:80",
            "127.0.0.2",
            "[::2]",
            "::1",
            "[::1",
            "relay_.example",
            "-a.example",
            "a-.example",
            "bücher.example",
            "relay.example ",
            "relay.0x7f",
            "a b.example",
        ] {
            assert_eq!(Domain::parse(text), Err(InvalidDomain), "{text}");
        }
    }

    #[test]
    fn loopback_is_for_development() {
        for text in ["localhost:1", "127.0.0.1", "[::1]"] {
            let domain = Domain::parse(text).unwrap();
            assert!(domain.is_loopback());
            assert_eq!(domain.base_url(false), Err(InsecureDomain));
        }
        let named = Domain::parse("localhost.example").unwrap();
        assert!(!named.is_loopback());
        assert_eq!(named.base_url(true).unwrap(), "https://localhost.example");
    }
}
