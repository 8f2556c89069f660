//! Keys of repositories: k256 or p256, as Multikey (AT Protocol, "Cryptography").

use k256::ecdsa::signature::Verifier;
use thiserror::Error;

const K256_PREFIX: [u8; 2] = [0xe7, 0x01];
const P256_PREFIX: [u8; 2] = [0x80, 0x24];
/// A compressed point; the only form that a Multikey has.
const POINT_LENGTH: usize = 33;

/// The public key that an account's commits are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepoKey {
    /// secp256k1.
    K256(k256::ecdsa::VerifyingKey),
    /// NIST P-256.
    P256(p256::ecdsa::VerifyingKey),
}

/// Not the Multikey of a k256 or p256 key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a k256 or p256 key")]
pub struct InvalidRepoKey;

impl RepoKey {
    /// Reads a `publicKeyMultibase` value (`z…`).
    ///
    /// # Errors
    /// [`InvalidRepoKey`].
    pub fn from_multibase(text: &str) -> Result<Self, InvalidRepoKey> {
        // Decoding base58 takes quadratic time.
        if text.len() > 100 {
            return Err(InvalidRepoKey);
        }
        let (base, bytes) = multibase::decode(text).map_err(|_| InvalidRepoKey)?;
        let (prefix, point) = bytes.split_first_chunk().ok_or(InvalidRepoKey)?;
        if base != multibase::Base::Base58Btc || point.len() != POINT_LENGTH {
            return Err(InvalidRepoKey);
        }
        match *prefix {
            K256_PREFIX => k256::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .map(Self::K256)
                .map_err(|_| InvalidRepoKey),
            P256_PREFIX => p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
                .map(Self::P256)
                .map_err(|_| InvalidRepoKey),
            _ => Err(InvalidRepoKey),
        }
    }

    /// Whether `signature` (r ‖ s) is this key's over the SHA-256 of `message`. Only the low one of
    /// the two possible values of s counts, and r and s have to be in range.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::K256(key) => k256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|sig| sig.normalize_s().is_none() && key.verify(message, &sig).is_ok()),
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|sig| sig.normalize_s().is_none() && key.verify(message, &sig).is_ok()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::RepoSigner;

    #[test]
    fn both_curves_verify_and_only_low_s() {
        for signer in [RepoSigner::k256(), RepoSigner::p256()] {
            let key = RepoKey::from_multibase(&signer.multibase()).unwrap();
            let signature = signer.sign(b"message");
            assert!(key.verify(b"message", &signature));
            assert!(!key.verify(b"messagf", &signature));
            assert!(!key.verify(b"message", &signer.high_s(&signature)));
            for position in 0..signature.len() {
                let mut flipped = signature.clone();
                flipped[position] ^= 1;
                assert!(!key.verify(b"message", &flipped), "{position}");
            }
        }
    }

    #[test]
    fn signatures_out_of_range_are_refused() {
        for signer in [RepoSigner::k256(), RepoSigner::p256()] {
            let key = RepoKey::from_multibase(&signer.multibase()).unwrap();
            let good = signer.sign(b"message");
            let zero_r = [&[0; 32][..], &good[32..]].concat();
            let zero_s = [&good[..32], &[0; 32]].concat();
            let large = [&[0xff; 32][..], &good[32..]].concat();
            let der = [&[0x30, 0x44, 0x02, 0x20][..], &good].concat();
            let refused = [
                &[][..],
                &[0; 64],
                &zero_r,
                &zero_s,
                &large,
                &good[..63],
                &der,
            ];
            for signature in refused {
                assert!(!key.verify(b"message", signature));
            }
        }
    }

    #[test]
    fn other_keys_are_refused() {
        let good = RepoSigner::k256().multibase();
        let bytes = multibase::decode(&good).unwrap().1;
        let base64 = multibase::encode(multibase::Base::Base64Url, &bytes);
        let cut = multibase::encode(multibase::Base::Base58Btc, &bytes[..34]);
        let mut off_curve = bytes;
        off_curve[2..].fill(0xff);
        let off_curve = multibase::encode(multibase::Base::Base58Btc, off_curve);
        let ed25519 = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
        let long = format!("z{}", "1".repeat(1000));
        for text in [
            "",
            "z",
            ed25519,
            &base64,
            &cut,
            &off_curve,
            &long,
            &good[1..],
        ] {
            assert_eq!(RepoKey::from_multibase(text), Err(InvalidRepoKey), "{text}");
        }
    }
}
