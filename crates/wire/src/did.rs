//! Account identifiers (docs/protocol.md §0): `did:plc` and `did:web`, nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest DID accepted, in bytes.
pub const MAX_DID: usize = 2048;

/// A valid AT Protocol account DID. Compared and ordered by its bytes; a given account has one
/// spelling only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Did(String);

/// The text is not a DID of a supported method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a did:plc or did:web identifier")]
pub struct InvalidDid;

impl Did {
    /// Checks a text: `did:plc:` with 24 characters of base32, or `did:web:` with a lower-case host
    /// name. A port (`%3A` and digits) may follow `localhost` and `127.0.0.1` only, as AT Protocol
    /// has it; paths are not used there.
    ///
    /// # Errors
    /// [`InvalidDid`] for everything else.
    pub fn parse(text: &str) -> Result<Self, InvalidDid> {
        let valid = text.len() <= MAX_DID
            && match text.strip_prefix("did:") {
                Some(rest) => match rest.split_once(':') {
                    Some(("plc", id)) => is_plc(id),
                    Some(("web", host)) => is_web(host),
                    _ => false,
                },
                None => false,
            };
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidDid)
        }
    }

    /// The DID's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The DID as one segment of a URL path; only `%` needs escaping.
    #[must_use]
    pub fn path_segment(&self) -> String {
        self.0.replace('%', "%25")
    }
}

fn is_plc(id: &str) -> bool {
    id.len() == 24
        && id
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

fn is_web(host: &str) -> bool {
    match host.split_once("%3A") {
        Some((host, port)) => {
            matches!(host, "localhost" | "127.0.0.1") && crate::domain::is_port(port)
        }
        None => matches!(host, "localhost" | "127.0.0.1") || crate::domain::is_host_name(host),
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Did {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Did {
    type Err = InvalidDid;

    fn from_str(text: &str) -> Result<Self, InvalidDid> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Did {
    type Error = InvalidDid;

    fn try_from(text: String) -> Result<Self, InvalidDid> {
        Self::parse(&text)
    }
}

impl From<Did> for String {
    fn from(did: Did) -> Self {
        did.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_both_methods() {
        for text in [
            "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            "did:web:example.com",
            "did:web:a.b-c.example",
            "did:web:localhost%3A8080",
            "did:web:localhost",
        ] {
            assert_eq!(Did::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_others() {
        for text in [
            "",
            "did:",
            "did:plc:",
            "did:plc:ewvi7nxzyoun6zhxrhs64oi",
            "did:plc:ewvi7nxzyoun6zhxrhs64oizz",
            "did:plc:EWVI7NXZYOUN6ZHXRHS64OIZ",
            "did:plc:0wvi7nxzyoun6zhxrhs64oiz",
            "DID:plc:ewvi7nxzyoun6zhxrhs64oiz",
            "did:web:",
            "did:web:example",
            "did:web:Example.com",
            "did:web:example.com:user",
            "did:web:example.com%3A8080",
            "did:web:localhost%3A",
            "did:web:localhost%3a80",
            "did:web:localhost%3A99999",
            "did:web:example.com/..",
            "did:web:10.0.0.1",
            "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
            " did:web:example.com",
            "did:web:example.com\0",
        ] {
            assert_eq!(Did::parse(text), Err(InvalidDid), "{text}");
        }
        assert!(Did::parse(&format!("did:web:{}.com", "a.".repeat(1100))).is_err());
    }

    #[test]
    fn serde_checks() {
        assert!(serde_json::from_str::<Did>("\"did:web:example.com\"").is_ok());
        assert!(serde_json::from_str::<Did>("\"did:key:z\"").is_err());
    }

    #[test]
    fn path_segments_survive_decoding() {
        let did = Did::parse("did:web:localhost%3A8080").unwrap();
        assert_eq!(did.path_segment(), "did:web:localhost%253A8080");
    }
}
