//! A takeover that waits for the DID document (docs/protocol.md §1.11, §1.12).

use super::{DbError, WriteTx};
use rusqlite::{Connection, OptionalExtension, params};
use sotto_wire::key::SigningKey;
use zeroize::Zeroizing;

/// How an account is taken over.
#[derive(Debug, Clone)]
pub(crate) enum Takeover {
    /// By the key that the record names.
    Recover(SigningKey),
    /// By a new key.
    Replace(SigningKey),
}

impl Takeover {
    /// The key that the account has afterwards.
    pub(crate) fn key(&self) -> &SigningKey {
        match self {
            Self::Recover(key) | Self::Replace(key) => key,
        }
    }
}

/// The takeover under way.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn load(connection: &Connection) -> Result<Option<Takeover>, DbError> {
    let mut statement =
        connection.prepare_cached("SELECT delegate_seed, known FROM own_takeover")?;
    let found = statement.query_row([], |row| {
        let seed = row.get::<_, [u8; 32]>(0).map(Zeroizing::new)?;
        let key = SigningKey::from_seed(&seed);
        Ok(match row.get(1)? {
            true => Takeover::Recover(key),
            false => Takeover::Replace(key),
        })
    });
    Ok(found.optional()?)
}

/// Writes a takeover down, in place of an earlier one.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn store(tx: &WriteTx<'_>, takeover: &Takeover) -> Result<(), DbError> {
    let known = matches!(takeover, Takeover::Recover(_));
    tx.execute(
        "INSERT OR REPLACE INTO own_takeover (id, delegate_seed, known) VALUES (1, ?1, ?2)",
        params![takeover.key().seed().as_slice(), known],
    )?;
    Ok(())
}

/// Forgets it.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn clear(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.execute("DELETE FROM own_takeover", [])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Party, TestClock};

    #[test]
    fn the_last_one_is_kept_until_it_is_forgotten() {
        let alice = Party::new("alice", &TestClock::new());
        let [first, second] = [1, 2].map(|seed| SigningKey::from_seed(&[seed; 32]));
        let keys = (first.public(), second.public());
        let stored = || alice.read(|tx| load(tx));
        assert!(stored().is_none());
        alice.write(move |tx| store(tx, &Takeover::Replace(first)));
        let found = stored().unwrap();
        assert!(matches!(&found, Takeover::Replace(key) if key.public() == keys.0));
        alice.write(move |tx| store(tx, &Takeover::Recover(second)));
        let found = stored().unwrap();
        assert!(matches!(&found, Takeover::Recover(key) if key.public() == keys.1));
        alice.write(clear);
        assert!(stored().is_none());
    }
}
