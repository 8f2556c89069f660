//! Safety numbers and safety codes (docs/protocol.md §1.8): what two people compare to know that
//! each has the other's key.

use sha2::{Digest as _, Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};

use crate::{did::Did, key::PublicKey};

/// Hashes of one fingerprint. Whoever looks for another key with the same digits pays this for
/// every key tried.
pub const ITERATIONS: u32 = 5200;
/// Digits of a safety number.
pub const DIGITS: usize = 60;
/// Digits of a group, as they are shown.
pub const GROUP: usize = 5;
/// Bytes of a safety code.
pub const CODE_LEN: usize = PREFIX.len() + 1 + 2 * (ACCOUNT_LEN + FINGERPRINT_LEN);

const NUMBER_SEPARATOR: &[u8] = b"chat.sotto/safety-number/v1";
const ACCOUNT_SEPARATOR: &[u8] = b"chat.sotto/safety-code/v1";
const PREFIX: &[u8] = b"sotto";
const VERSION: u8 = 1;
const ACCOUNT_LEN: usize = 16;
const FINGERPRINT_LEN: usize = 32;
/// Bytes of a fingerprint that make one group of digits.
const GROUP_BYTES: usize = 5;

/// One account under one delegate key. Compared in constant time.
#[derive(Debug, Clone, Copy)]
pub struct Fingerprint([u8; FINGERPRINT_LEN]);

impl Fingerprint {
    /// Computes the fingerprint: [`ITERATIONS`] hashes, some milliseconds.
    #[must_use]
    pub fn of(did: &Did, key: &PublicKey) -> Self {
        let key = key.cose();
        let first = Sha512::new()
            .chain_update(NUMBER_SEPARATOR)
            .chain_update([0])
            .chain_update(did.as_str())
            .chain_update([0])
            .chain_update(&key)
            .finalize();
        let last = (1..ITERATIONS).fold(first, |hash, _| {
            Sha512::new()
                .chain_update(hash)
                .chain_update(&key)
                .finalize()
        });
        let mut bytes = [0; FINGERPRINT_LEN];
        bytes.iter_mut().zip(last).for_each(|(to, from)| *to = from);
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; FINGERPRINT_LEN] {
        &self.0
    }

    /// One half of a safety number: six groups, each of five bytes modulo 100,000.
    fn digits(&self) -> String {
        let group = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        self.0
            .chunks_exact(GROUP_BYTES)
            .map(|bytes| format!("{:05}", group(bytes) % 100_000))
            .collect()
    }
}

impl ConstantTimeEq for Fingerprint {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Fingerprint {}

/// What both people of a pair see: [`DIGITS`] decimal digits.
#[derive(Debug, Clone)]
pub struct SafetyNumber(String);

impl SafetyNumber {
    /// The number of two fingerprints, in whichever order.
    #[must_use]
    pub fn of(one: &Fingerprint, other: &Fingerprint) -> Self {
        let mut halves = [one.digits(), other.digits()];
        halves.sort();
        Self(halves.concat())
    }

    /// The digits, without spaces.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// Whether a text is this number, in constant time. White space in the text does not count.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        let text: String = text.split_whitespace().collect();
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

/// One account in a safety code: which one, and under which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    account: [u8; ACCOUNT_LEN],
    fingerprint: Fingerprint,
}

impl Side {
    /// The account under the key; costs a [`Fingerprint`].
    #[must_use]
    pub fn of(did: &Did, key: &PublicKey) -> Self {
        let hash = Sha256::new()
            .chain_update(ACCOUNT_SEPARATOR)
            .chain_update([0])
            .chain_update(did.as_str())
            .finalize();
        let mut account = [0; ACCOUNT_LEN];
        account
            .iter_mut()
            .zip(hash)
            .for_each(|(to, from)| *to = from);
        let fingerprint = Fingerprint::of(did, key);
        Self {
            account,
            fingerprint,
        }
    }

    /// The account's half of the pair's safety number.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

/// What one person shows for the other to scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SafetyCode {
    /// Who shows the code, and the key that is theirs.
    pub from: Side,
    /// Whom it is for, and the key that the one who shows it knows for them.
    pub to: Side,
}

/// Why bytes are not a safety code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SafetyCodeError {
    /// Something else.
    #[error("not a safety code")]
    NotACode,
    /// A safety code of a version that this one does not know.
    #[error("a safety code of another version")]
    OtherVersion,
}

/// What a scanned code says to the one who scanned it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Each has the other's key.
    Match,
    /// The code is the one that this person shows.
    OwnCode,
    /// It is about another pair of people.
    OtherPerson,
    /// The peer's key is not the one known here.
    PeerKeyDiffers,
    /// The peer knows another key for this person.
    OwnKeyDiffers,
}

impl SafetyCode {
    /// The number that stands beside the code.
    #[must_use]
    pub fn number(&self) -> SafetyNumber {
        SafetyNumber::of(&self.from.fingerprint, &self.to.fingerprint)
    }

    /// The [`CODE_LEN`] bytes of the QR code.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = [PREFIX, &[VERSION]].concat();
        for side in [&self.from, &self.to] {
            bytes.extend(side.account);
            bytes.extend(side.fingerprint.0);
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`SafetyCodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, SafetyCodeError> {
        let rest = bytes
            .strip_prefix(PREFIX)
            .ok_or(SafetyCodeError::NotACode)?;
        let (version, rest) = rest.split_first().ok_or(SafetyCodeError::NotACode)?;
        if *version != VERSION {
            return Err(SafetyCodeError::OtherVersion);
        }
        let (from, rest) = side(rest).ok_or(SafetyCodeError::NotACode)?;
        match side(rest) {
            Some((to, [])) => Ok(Self { from, to }),
            _ => Err(SafetyCodeError::NotACode),
        }
    }

    /// Compares the code that this person shows with one that was scanned. Takes the same time
    /// whatever the keys are.
    #[must_use]
    pub fn compare(&self, scanned: &Self) -> Comparison {
        let (here, there) = (&self.from, &self.to);
        if scanned.from.account == here.account && scanned.to.account == there.account {
            return Comparison::OwnCode;
        }
        if scanned.from.account != there.account || scanned.to.account != here.account {
            return Comparison::OtherPerson;
        }
        let peer = scanned.from.fingerprint.ct_eq(&there.fingerprint);
        let own = scanned.to.fingerprint.ct_eq(&here.fingerprint);
        match (peer.into(), own.into()) {
            (true, true) => Comparison::Match,
            (false, _) => Comparison::PeerKeyDiffers,
            (true, false) => Comparison::OwnKeyDiffers,
        }
    }
}

fn side(bytes: &[u8]) -> Option<(Side, &[u8])> {
    let (account, rest) = bytes.split_first_chunk()?;
    let (fingerprint, rest) = rest.split_first_chunk()?;
    let side = Side {
        account: *account,
        fingerprint: Fingerprint(*fingerprint),
    };
    Some((side, rest))
}

#[cfg(test)]
#[path = "safety_number/tests.rs"]
mod tests;
