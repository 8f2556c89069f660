//! What an account signs and publishes. Each target reads the bytes as the whole object, and as a
//! payload that the account's key has signed.

use super::{delegate, did};
use crate::Target;
use sotto_wire::claim::Claim;
use sotto_wire::delegation::DelegationRecord;
use sotto_wire::device::DeviceCertificate;
use sotto_wire::key::PublicKey;
use sotto_wire::roster::Roster;
use sotto_wire::safety_number::{SafetyCode, SafetyNumber, Side};
use sotto_wire::sign1::{self, SignedPayload};
use sotto_wire::succession::{self, Succession};
use sotto_wire::testing::sign_payload;
use sotto_wire::time::Timestamp;

const NOW: Timestamp = Timestamp(1_700_000_000);

pub(super) const CLAIM: Target = Target {
    name: "claim",
    run: |bytes| signed::<Claim>(bytes, |object, key| drop(Claim::verify(object, key))),
};
pub(super) const DELEGATION: Target = Target {
    name: "delegation",
    run: delegation,
};
pub(super) const DEVICE_CERTIFICATE: Target = Target {
    name: "device_certificate",
    run: |bytes| {
        signed::<DeviceCertificate>(bytes, |object, key| {
            let _ = DeviceCertificate::verify(object, key, &did(), NOW);
            let _ = DeviceCertificate::parse_unverified(object);
        });
    },
};
pub(super) const KEY: Target = Target {
    name: "key",
    run: key,
};
pub(super) const ROSTER: Target = Target {
    name: "roster",
    run: |bytes| {
        signed::<Roster>(bytes, |object, key| {
            let _ = Roster::verify(object, key, &did());
        });
    },
};
pub(super) const SAFETY_CODE: Target = Target {
    name: "safety_code",
    run: safety_code,
};
pub(super) const SUCCESSION: Target = Target {
    name: "succession",
    run: |bytes| {
        signed::<Succession>(bytes, |object, key| {
            let _ = Succession::verify(object, key);
            let chain = [object.to_vec(), object.to_vec()];
            let _ = succession::leads_from(key, &chain[..1], key, &did());
            let _ = succession::predecessors(&chain, key, &did());
        });
    },
};

fn signed<T: SignedPayload>(bytes: &[u8], read: impl Fn(&[u8], &PublicKey)) {
    let key = delegate();
    let _ = sign1::parse_unverified::<T>(bytes);
    read(bytes, &key.public());
    let object = sign_payload(T::TYPE, Vec::new(), bytes, &key);
    read(&object, &key.public());
    if let Ok(value) = sign1::verify::<T>(&object, &key.public()) {
        assert_eq!(sign1::sign(&value, &key), object);
    }
}

fn delegation(bytes: &[u8]) {
    let Ok(json) = serde_json::from_slice(bytes) else {
        return;
    };
    if let Ok(record) = DelegationRecord::from_json(&json) {
        assert_eq!(DelegationRecord::from_json(&record.to_json()), Ok(record));
    }
}

fn key(bytes: &[u8]) {
    if let Ok(key) = PublicKey::from_cose(bytes) {
        assert_eq!(key.cose(), bytes);
    }
    if let Some((bytes, rest)) = bytes.split_first_chunk::<32>()
        && let Ok(key) = PublicKey::from_bytes(bytes)
    {
        let _ = key.verify(b"message", rest);
    }
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(key) = PublicKey::from_did_key(text)
    {
        assert_eq!(key.to_did_key(), text);
    }
}

thread_local! {
    // A number takes thousands of hashes, whatever it is about.
    static SHOWN: SafetyNumber = shown();
}

fn shown() -> SafetyNumber {
    let side = || Side::of(&did(), &delegate().public());
    let code = SafetyCode {
        from: side(),
        to: side(),
    };
    code.number()
}

fn safety_code(bytes: &[u8]) {
    if let Ok(code) = SafetyCode::decode(bytes) {
        assert_eq!(code.encode(), bytes);
        let _ = code.compare(&code);
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    SHOWN.with(|number| {
        let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
        let same = digits(text) == digits(number.digits());
        assert!(same || !number.is(text));
    });
}
