use super::*;
use crate::testing::{Party, TestClock};
use ciborium::Value;

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

/// A log of as many operations, the last of which has this digest.
fn log(operations: u8, last: u8) -> KnownLog {
    let entry = |n: u8| {
        let digest = if n + 1 == operations { last } else { n };
        Value::Array(vec![
            Value::Bytes(vec![digest; 32]),
            0.into(),
            1_700_000_000_000_u64.into(),
            1_700_000_000.into(),
        ])
    };
    let fields = [
        ("did", Value::Text(DID.into())),
        ("seen", 1_700_000_000.into()),
        (
            "entries",
            Value::Array((0..operations).map(entry).collect()),
        ),
    ];
    let fields = fields.map(|(name, value)| (Value::Text(name.into()), value));
    let mut bytes = Vec::new();
    ciborium::into_writer(&Value::Map(fields.into()), &mut bytes).unwrap();
    KnownLog::from_bytes(&bytes).unwrap()
}

fn stored(party: &Party) -> Option<KnownLog> {
    let did = Did::parse(DID).unwrap();
    party.read(move |tx| known(tx, &did))
}

#[test]
fn a_log_only_grows() {
    let alice = Party::new("alice", &TestClock::new());
    assert_eq!(stored(&alice), None);
    for (offered, kept) in [
        (log(2, 9), log(2, 9)),
        (log(1, 0), log(2, 9)),
        (log(2, 8), log(2, 9)),
        (log(2, 9), log(2, 9)),
    ] {
        alice.write(move |tx| keep(tx, &offered));
        assert_eq!(stored(&alice), Some(kept));
    }
    let longer = log(3, 7);
    let other = longer.clone();
    alice.write(move |tx| keep(tx, &other));
    assert_ne!(stored(&alice), Some(longer), "its second operation differs");
}

#[test]
fn what_does_not_decode_is_an_error_and_not_nothing() {
    let alice = Party::new("alice", &TestClock::new());
    alice.write(|tx| {
        tx.execute("INSERT INTO plc_log (did, known) VALUES (?1, x'00')", [DID])?;
        Ok::<_, DbError>(())
    });
    let did = Did::parse(DID).unwrap();
    let read = alice.db().read_blocking(move |tx| known(tx, &did));
    assert!(matches!(read, Err(DbError::Stored("operation log"))));
}
