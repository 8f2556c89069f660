//! Revisions of repositories: TIDs, whose order as text is their order in time.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

const ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
const LENGTH: usize = 13;

/// A TID: 53 bits of microseconds since 1970 and 10 bits that tell clocks apart, as 13 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tid(String);

/// Not a TID.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a TID")]
pub struct InvalidTid;

impl Tid {
    /// Reads a TID.
    ///
    /// # Errors
    /// [`InvalidTid`].
    pub fn parse(text: &str) -> Result<Self, InvalidTid> {
        let first = text.bytes().next().and_then(digit).ok_or(InvalidTid)?;
        // 13 characters hold 65 bits, of which the two highest are zero.
        let valid = text.len() == LENGTH && first < 16 && text.bytes().all(|c| digit(c).is_some());
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidTid)
        }
    }

    /// The TID as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When it was made, in seconds since 1970, according to who made it.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        let bits = self
            .0
            .bytes()
            .filter_map(digit)
            .fold(0, |bits, digit| bits << 5 | digit);
        (bits >> 10) / 1_000_000
    }
}

fn digit(character: u8) -> Option<u64> {
    let position = ALPHABET.iter().position(|&c| c == character)?;
    u64::try_from(position).ok()
}

impl fmt::Display for Tid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Tid {
    type Error = InvalidTid;

    fn try_from(text: String) -> Result<Self, InvalidTid> {
        Self::parse(&text)
    }
}

impl From<Tid> for String {
    fn from(tid: Tid) -> Self {
        tid.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times() {
        assert_eq!(Tid::parse("2222222222222").unwrap().seconds(), 0);
        // From the AT Protocol documentation's examples.
        assert_eq!(
            Tid::parse("3jzfcijpj2z2a").unwrap().seconds(),
            1_688_137_381
        );
        assert!(Tid::parse("3jzfcijpj2z2a").unwrap() < Tid::parse("3jzfcijpj2z2b").unwrap());
    }

    #[test]
    fn refuses_others() {
        for text in [
            "",
            "3jzfcijpj2z21",
            "0000000000000",
            "3jzfcijpj2z2aa",
            "3jzfcijpj2z2",
            "zzzzzzzzzzzzz",
            "3JZFCIJPJ2Z2A",
            "kjzfcijpj2z2a",
            "3jzf-cij-pj2z",
        ] {
            assert_eq!(Tid::parse(text), Err(InvalidTid), "{text}");
        }
    }
}
