use proptest::prelude::*;

use super::*;
use crate::random::OsRandom;

fn key() -> SealKey {
    SealKey::from_bytes([5; 32])
}

fn frame(len: usize) -> Frame {
    Frame {
        commits: Vec::new(),
        message: vec![0xab; len],
        welcome: None,
    }
}

fn sealed(padded: &[u8]) -> Vec<u8> {
    let mut bytes = padded.to_vec();
    let nonce = [9; NONCE];
    let tag = XChaCha20Poly1305::new(key().as_bytes().into())
        .encrypt_in_place_detached(XNonce::from_slice(&nonce), AAD, &mut bytes)
        .unwrap();
    [&nonce[..], &bytes, &tag].concat()
}

/// The smallest bucket with a frame of one byte, changed before it is sealed.
pub(crate) fn sealed_with(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let encoded = cbor::encode(&frame(1));
    let mut padded = u32::try_from(encoded.len()).unwrap().to_be_bytes().to_vec();
    padded.extend_from_slice(&encoded);
    padded.resize(512, 0);
    change(&mut padded);
    sealed(&padded)
}

#[test]
fn sizes_are_buckets() {
    // A frame of n bytes (256 ≤ n < 65536) takes 12 bytes around the message.
    for (message, padded) in [
        (0, 512),
        (512 - 4 - 12, 512),
        (512 - 4 - 11, 1024),
        (32_768 - 4 - 12, 32_768),
        (32_768 - 4 - 11, 65_536),
        (65_536 - 4 - 12, 65_536),
    ] {
        let bytes = seal(&frame(message), &key(), &OsRandom).unwrap();
        assert_eq!(bytes.len(), 24 + padded + 16, "{message}");
        assert_eq!(open(&bytes, &key()), Ok(frame(message)));
    }
    let too_large = frame(65_536 - 4 - 11);
    assert_eq!(
        seal(&too_large, &key(), &OsRandom),
        Err(FrameError::TooLarge)
    );
    let largest = seal(&frame(65_536 - 4 - 12), &key(), &OsRandom).unwrap();
    assert_eq!(largest.len(), MAX_SEALED);
}

#[test]
fn the_welcome_is_optional() {
    let with = Frame {
        commits: Vec::new(),
        message: vec![1],
        welcome: Some(vec![2]),
    };
    let bytes = seal(&with, &key(), &OsRandom).unwrap();
    assert_eq!(open(&bytes, &key()), Ok(with));
}

#[test]
fn nonces_differ() {
    let one = seal(&frame(1), &key(), &OsRandom).unwrap();
    let two = seal(&frame(1), &key(), &OsRandom).unwrap();
    assert_ne!(one, two);
    assert_ne!(digest(&one), digest(&two));
}

#[test]
fn every_changed_byte_is_noticed() {
    let bytes = seal(&frame(10), &key(), &OsRandom).unwrap();
    for at in [
        0,
        23,
        24,
        100,
        bytes.len() - 17,
        bytes.len() - 16,
        bytes.len() - 1,
    ] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(open(&changed, &key()), Err(FrameError::Seal), "{at}");
    }
    assert_eq!(
        open(&bytes, &SealKey::from_bytes([6; 32])),
        Err(FrameError::Seal)
    );
}

#[test]
fn lengths_are_checked_before_the_seal() {
    for len in [0, 23, 24, 40, 551, 553, 24 + 131_072 + 16] {
        assert_eq!(
            open(&vec![0; len], &key()),
            Err(FrameError::Length),
            "{len}"
        );
    }
}

#[test]
fn padding_has_one_form() {
    let encoded = cbor::encode(&frame(1));
    let pad = |len: usize, size: usize| {
        let mut padded = u32::try_from(len).unwrap().to_be_bytes().to_vec();
        padded.extend_from_slice(&encoded);
        padded.resize(size, 0);
        padded
    };
    assert!(open(&sealed(&pad(encoded.len(), 512)), &key()).is_ok());
    let mut non_zero = pad(encoded.len(), 512);
    non_zero[511] = 1;
    for (what, padded) in [
        ("non-zero padding", non_zero),
        ("larger bucket than needed", pad(encoded.len(), 1024)),
        ("length beyond the buffer", pad(509, 512)),
        ("length cuts the frame", pad(encoded.len() - 1, 512)),
        (
            "length of everything",
            pad(usize::try_from(u32::MAX).unwrap(), 512),
        ),
        (
            "length reaches into the padding",
            pad(encoded.len() + 1, 512),
        ),
    ] {
        assert_eq!(
            open(&sealed(&padded), &key()),
            Err(FrameError::Malformed),
            "{what}"
        );
    }
}

#[test]
fn keys_stay_out_of_logs() {
    assert_eq!(format!("{:?}", key()), "SealKey(redacted)");
}

proptest! {
    #[test]
    fn opens_what_was_sealed(message: Vec<u8>, welcome: Option<Vec<u8>>) {
        let frame = Frame { commits: Vec::new(), message, welcome };
        let bytes = seal(&frame, &key(), &OsRandom).unwrap();
        prop_assert_eq!(open(&bytes, &key()), Ok(frame));
    }

    #[test]
    fn arbitrary_padded_bytes_never_panic(
        start in proptest::collection::vec(any::<u8>(), 0..64), len in 0u32..70
    ) {
        let mut padded = [&len.to_be_bytes()[..], &start].concat();
        padded.resize(512, 0);
        let _ = open(&sealed(&padded), &key());
    }
}
