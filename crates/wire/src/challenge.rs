//! Challenges (docs/protocol.md §4.2): proofs of freshness that a relay hands out. Making and
//! checking them is the relay's own affair; to everybody else they are opaque text.

use serde::{Deserialize, Serialize};
use sfv::{BareItem, Item, Parser};

use crate::time::Timestamp;

/// The name of the header that carries the next challenge, in lower case.
pub const NEXT_CHALLENGE: &str = "germ-next-challenge";
/// The longest challenge in bytes that is taken from a relay.
pub const MAX_CHALLENGE: usize = 512;

/// What a challenge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Realm {
    /// Requests of a device to its own relay. Subject: text thumbprint of the device key.
    Device,
    /// Requests of an account whose delegate key signs by itself. Subject: the DID, or the text
    /// thumbprint of that key.
    Anchor,
    /// Claims of key packages. Subject: the DID whose key packages are claimed.
    Claim,
    /// Puts at a grant. Subject: the address.
    GrantPut,
}

impl Realm {
    /// The text on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Anchor => "anchor",
            Self::Claim => "claim",
            Self::GrantPut => "grantPut",
        }
    }
}

/// `POST /pmr/v1/challenges`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// What it is for.
    pub r: Realm,
    /// For whom or what, by realm.
    pub s: String,
}

/// The answer to a [`ChallengeRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeResponse {
    /// The challenge.
    pub c: String,
    /// Until when it can be used.
    pub e: Timestamp,
}

/// A challenge as the next one arrives with a response, in the header [`NEXT_CHALLENGE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextChallenge {
    /// The challenge.
    pub challenge: String,
    /// Until when it can be used.
    pub expires: Timestamp,
}

impl NextChallenge {
    /// The value of the header: `:<base64>:;expires=@<seconds>`.
    #[must_use]
    pub fn header_value(&self) -> String {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        format!(
            ":{}:;expires=@{}",
            STANDARD.encode(&self.challenge),
            self.expires.0
        )
    }

    /// Reads the value of the header; `None` for anything else, which a client treats as if there
    /// had been no header.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        if value.len() > 2 * MAX_CHALLENGE {
            return None;
        }
        let item: Item = Parser::new(value).parse().ok()?;
        let BareItem::ByteSequence(challenge) = item.bare_item else {
            return None;
        };
        let BareItem::Date(expires) = item.params.get("expires")? else {
            return None;
        };
        let expires = Timestamp(u64::try_from(expires.unix_seconds()).ok()?);
        let challenge = String::from_utf8(challenge).ok()?;
        (is_usable(&challenge)).then_some(Self { challenge, expires })
    }
}

/// Whether a challenge can be put into a signature's parameters: printable ASCII without quotes and
/// backslashes, 1 to [`MAX_CHALLENGE`] bytes.
#[must_use]
pub fn is_usable(challenge: &str) -> bool {
    (1..=MAX_CHALLENGE).contains(&challenge.len())
        && challenge
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_round_trip() {
        let next = NextChallenge {
            challenge: "AbC-_1".into(),
            expires: Timestamp(1_700_000_300),
        };
        assert_eq!(next.header_value(), ":QWJDLV8x:;expires=@1700000300");
        assert_eq!(
            NextChallenge::parse(&next.header_value()),
            Some(next.clone())
        );
        assert_eq!(
            NextChallenge::parse(":QWJDLV8x:; expires=@1700000300"),
            Some(next)
        );
    }

    #[test]
    fn other_headers_are_ignored() {
        for value in [
            "",
            ":QWJDLV8x:",
            ":QWJDLV8x:;expires=1700000300",
            ":QWJDLV8x:;expires=@-1",
            "\"AbC\";expires=@1",
            ":IiI=:;expires=@1",
            "::;expires=@1",
            ":/w==:;expires=@1",
        ] {
            assert_eq!(NextChallenge::parse(value), None, "{value}");
        }
        assert_eq!(
            NextChallenge::parse(&format!(":{}:;expires=@1", "QUFB".repeat(300))),
            None
        );
    }

    #[test]
    fn bodies_have_short_names() {
        let request = ChallengeRequest {
            r: Realm::GrantPut,
            s: "x".into(),
        };
        let bytes = crate::cbor::encode(&request);
        assert_eq!(
            hex::encode(&bytes),
            "a261726867 72616e74507574617361 78".replace(' ', "")
        );
        assert_eq!(crate::cbor::decode(&bytes, 64), Ok(request));
        for realm in [Realm::Device, Realm::Anchor, Realm::Claim, Realm::GrantPut] {
            assert_eq!(serde_json::to_value(realm).unwrap(), realm.as_str());
        }
    }
}
