use super::*;
use crate::key::SigningKey;
use proptest::prelude::*;

fn did(name: &str) -> Did {
    Did::parse(&format!("did:web:{name}.example")).unwrap()
}

fn key(seed: u8) -> PublicKey {
    SigningKey::from_seed(&[seed; 32]).public()
}

fn code(from: &str, from_key: u8, to: &str, to_key: u8) -> SafetyCode {
    SafetyCode {
        from: Side::of(&did(from), &key(from_key)),
        to: Side::of(&did(to), &key(to_key)),
    }
}

#[test]
fn both_people_see_the_same_sixty_digits() {
    let number = code("alice", 1, "bob", 2).number();
    assert_eq!(
        number.digits(),
        code("bob", 2, "alice", 1).number().digits()
    );
    assert_eq!(number.digits().len(), DIGITS);
    assert!(number.digits().bytes().all(|it| it.is_ascii_digit()));
}

#[test]
fn another_key_or_account_gives_another_number() {
    let number = code("alice", 1, "bob", 2).number();
    for other in [
        code("alice", 3, "bob", 2),
        code("alice", 1, "bob", 3),
        code("alice", 2, "bob", 1),
        code("carol", 1, "bob", 2),
    ] {
        assert!(!number.is(other.number().digits()));
    }
}

#[test]
fn a_number_is_itself_however_it_is_spaced() {
    let number = code("alice", 1, "bob", 2).number();
    let spaced = number.digits().split_at(GROUP);
    assert!(number.is(&format!(" {} {}\n", spaced.0, spaced.1)));
    assert!(!number.is(number.digits().get(1..).unwrap()));
    assert!(!number.is(""));
    assert!(!number.is(&format!("{}0", number.digits())));
}

#[test]
fn a_code_says_what_it_means_to_the_one_who_scans_it() {
    let alice = code("alice", 1, "bob", 2);
    for (shown, expected) in [
        (code("bob", 2, "alice", 1), Comparison::Match),
        (code("bob", 9, "alice", 1), Comparison::PeerKeyDiffers),
        (code("bob", 2, "alice", 9), Comparison::OwnKeyDiffers),
        (code("bob", 8, "alice", 9), Comparison::PeerKeyDiffers),
        (code("alice", 1, "bob", 2), Comparison::OwnCode),
        (code("alice", 1, "bob", 9), Comparison::OwnCode),
        (code("carol", 2, "alice", 1), Comparison::OtherPerson),
        (code("bob", 2, "carol", 1), Comparison::OtherPerson),
        (code("alice", 1, "carol", 2), Comparison::OtherPerson),
    ] {
        let shown = SafetyCode::decode(&shown.encode()).unwrap();
        assert_eq!(alice.compare(&shown), expected, "{shown:?}");
    }
}

#[test]
fn only_whole_codes_of_this_version_are_read() {
    let code = code("alice", 1, "bob", 2);
    let bytes = code.encode();
    assert_eq!(bytes.len(), CODE_LEN);
    assert_eq!(SafetyCode::decode(&bytes), Ok(code));
    for end in 0..bytes.len() {
        let cut = SafetyCode::decode(&bytes[..end]);
        assert_eq!(cut, Err(SafetyCodeError::NotACode), "{end}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(SafetyCode::decode(&longer), Err(SafetyCodeError::NotACode));
    let mut newer = bytes;
    newer[PREFIX.len()] = 2;
    assert_eq!(
        SafetyCode::decode(&newer),
        Err(SafetyCodeError::OtherVersion)
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(code) = SafetyCode::decode(&bytes) {
            prop_assert_eq!(code.encode(), bytes);
        }
    }
}
