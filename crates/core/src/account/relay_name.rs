//! What a user types for a relay.

use sotto_wire::domain::Domain;

/// Why it names no relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RelayNameError {
    /// Not a domain.
    #[error("not a relay's domain")]
    Invalid,
    /// Plain http, or a loopback host outside development.
    #[error("a relay is reached over https")]
    Insecure,
}

impl RelayNameError {
    /// The code for the user interface.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Invalid => "relay.domain_invalid",
            Self::Insecure => "relay.insecure",
        }
    }
}

/// Takes a domain, or the URL of one, in any case and with spaces around.
pub(crate) fn parse(text: &str, development: bool) -> Result<Domain, RelayNameError> {
    let text = text.trim().to_lowercase();
    let (secure, rest) = match text.split_once("://") {
        Some(("https", rest)) => (true, rest),
        Some(("http", rest)) => (false, rest),
        Some(_) => return Err(RelayNameError::Invalid),
        None => (true, text.as_str()),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let rest = if secure {
        rest.strip_suffix(":443").unwrap_or(rest)
    } else {
        rest
    };
    let domain = Domain::parse(rest).map_err(|_| RelayNameError::Invalid)?;
    if !secure && !domain.is_loopback() || domain.base_url(development).is_err() {
        return Err(RelayNameError::Insecure);
    }
    Ok(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_and_urls_are_taken() {
        for text in [
            "relay.example",
            " Relay.Example ",
            "https://relay.example",
            "https://relay.example/",
            "relay.example:443",
        ] {
            assert_eq!(
                parse(text, false).unwrap().as_str(),
                "relay.example",
                "{text}"
            );
        }
        assert_eq!(
            parse("http://localhost:8080", true).unwrap().as_str(),
            "localhost:8080"
        );
    }

    #[test]
    fn nothing_but_https_outside_development() {
        for (text, development) in [
            ("http://relay.example", true),
            ("http://relay.example", false),
            ("localhost:8080", false),
            ("http://127.0.0.1:8080", false),
        ] {
            assert_eq!(
                parse(text, development),
                Err(RelayNameError::Insecure),
                "{text}"
            );
        }
    }

    #[test]
    fn nonsense_is_not_a_domain() {
        for text in [
            "",
            "relay",
            "ftp://relay.example",
            "relay.example/path",
            "https://",
            "a b.c",
        ] {
            assert_eq!(parse(text, true), Err(RelayNameError::Invalid), "{text}");
        }
    }
}
