//! Challenges (§4.2): MAC'd tokens that carry their own issue time and binding, so that minting one
//! stores nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use sotto_wire::challenge::{NextChallenge, Realm};
use sotto_wire::random::{self, Random};
use sotto_wire::time::Timestamp;
use subtle::ConstantTimeEq as _;

const LABEL: &[u8] = b"sotto-relay/challenge/v1";
const ISSUED: usize = 8;
const NONCE: usize = 16;
const MAC: usize = 16;

/// Why a challenge does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// Not minted here, or for another realm or subject.
    Unknown,
    /// Minted here, too long ago.
    Expired,
}

/// Mints and checks.
pub(crate) struct Challenges {
    secret: [u8; 32],
    lifetime: u64,
}

impl Challenges {
    /// Challenges under `secret`, valid for `lifetime` seconds.
    pub(crate) fn new(secret: [u8; 32], lifetime: u64) -> Self {
        Self { secret, lifetime }
    }

    /// A challenge for `realm` and `subject`.
    pub(crate) fn mint(
        &self,
        realm: Realm,
        subject: &str,
        now: u64,
        random: &dyn Random,
    ) -> NextChallenge {
        let nonce: [u8; NONCE] = random::array(random);
        let mut token = Vec::with_capacity(ISSUED + NONCE + MAC);
        token.extend_from_slice(&now.to_be_bytes());
        token.extend_from_slice(&nonce);
        let mac = self.mac(realm, subject, &token);
        token.extend_from_slice(&mac);
        NextChallenge {
            challenge: URL_SAFE_NO_PAD.encode(token),
            expires: Timestamp(now).plus(self.lifetime),
        }
    }

    /// Whether `text` is a challenge of this relay for `realm` and `subject`, valid at `now`.
    pub(crate) fn check(
        &self,
        realm: Realm,
        subject: &str,
        text: &str,
        now: u64,
    ) -> Result<(), Rejected> {
        let token = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| Rejected::Unknown)?;
        let (head, mac) = token
            .split_at_checked(ISSUED + NONCE)
            .ok_or(Rejected::Unknown)?;
        if !bool::from(self.mac(realm, subject, head).ct_eq(mac)) {
            return Err(Rejected::Unknown);
        }
        let issued = head
            .first_chunk()
            .map_or(0, |bytes| u64::from_be_bytes(*bytes));
        // A clock that was set back must not make challenges of the future live longer.
        let age = now.checked_sub(issued).ok_or(Rejected::Expired)?;
        if age < self.lifetime {
            Ok(())
        } else {
            Err(Rejected::Expired)
        }
    }

    fn mac(&self, realm: Realm, subject: &str, head: &[u8]) -> Vec<u8> {
        let realm = realm.as_str().as_bytes();
        let mut mac = self.derive(&[LABEL, b"\0", realm, b"\0", subject.as_bytes(), b"\0", head]);
        mac.truncate(MAC);
        mac
    }

    /// HMAC under the relay's secret, for what only this relay has to recognise again.
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub(crate) fn derive(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).expect("a key of 32 bytes");
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use sotto_wire::challenge::Realm;
    use sotto_wire::random::OsRandom;
    use sotto_wire::time::Timestamp;

    use super::{Challenges, Rejected};

    #[test]
    fn is_valid_for_its_realm_subject_and_time_only() {
        let challenges = Challenges::new([7; 32], 600);
        let minted = challenges.mint(Realm::Device, "subject", 1000, &OsRandom);
        assert_eq!(minted.expires, Timestamp(1600));
        let check = |realm, subject, now| challenges.check(realm, subject, &minted.challenge, now);
        assert_eq!(check(Realm::Device, "subject", 1000), Ok(()));
        assert_eq!(check(Realm::Device, "subject", 1599), Ok(()));
        assert_eq!(
            check(Realm::Device, "subject", 1600),
            Err(Rejected::Expired)
        );
        assert_eq!(check(Realm::Device, "subject", 999), Err(Rejected::Expired));
        assert_eq!(check(Realm::Claim, "subject", 1000), Err(Rejected::Unknown));
        assert_eq!(check(Realm::Device, "subjec", 1000), Err(Rejected::Unknown));
    }

    #[test]
    fn is_valid_for_its_relay_only() {
        let minted = Challenges::new([7; 32], 600).mint(Realm::Device, "s", 1000, &OsRandom);
        let other = Challenges::new([8; 32], 600);
        assert_eq!(
            other.check(Realm::Device, "s", &minted.challenge, 1000),
            Err(Rejected::Unknown)
        );
    }

    #[test]
    fn refuses_what_it_did_not_mint() {
        let challenges = Challenges::new([7; 32], 600);
        let minted = challenges
            .mint(Realm::Claim, "s", 1000, &OsRandom)
            .challenge;
        let longer = format!("{minted}AA");
        for text in ["", "x", "=", &longer, &minted[1..], &minted.to_uppercase()] {
            assert_eq!(
                challenges.check(Realm::Claim, "s", text, 1000),
                Err(Rejected::Unknown)
            );
        }
    }
}
