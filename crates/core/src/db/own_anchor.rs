//! How the own key stands in the account's DID document: one row, what was seen last
//! (docs/protocol.md §1.7).

use super::WriteTx;
use super::error::DbError;
use rusqlite::{Connection, OptionalExtension, params};
use sotto_wire::key::PublicKey;

/// What the DID document says about the own key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is no `#e2ee` in it.
    Absent,
    /// It names the own key.
    Ours,
    /// It names another key, or one that cannot be read.
    Other,
}

/// What was seen, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnAnchor {
    /// What the document said.
    pub standing: Standing,
    /// When it was first seen to be so, milliseconds since 1970.
    pub since: u64,
    /// When it was looked at last, milliseconds since 1970.
    pub checked_at: u64,
}

/// What was seen last about `key`; nothing where that was another key or never.
///
/// # Errors
/// When SQLite fails or the row does not decode.
pub fn load(connection: &Connection, key: &PublicKey) -> Result<Option<OwnAnchor>, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT standing, since, checked_at FROM own_anchor WHERE delegate_key = ?1",
    )?;
    let row = statement
        .query_row([key.as_bytes()], |row| {
            Ok((row.get::<_, u8>(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((standing, since, checked_at)) = row else {
        return Ok(None);
    };
    let standing = match standing {
        0 => Standing::Absent,
        1 => Standing::Ours,
        2 => Standing::Other,
        _ => return Err(DbError::Stored("anchor")),
    };
    Ok(Some(OwnAnchor {
        standing,
        since,
        checked_at,
    }))
}

/// Remembers what was seen at `now` (milliseconds since 1970).
///
/// # Errors
/// When SQLite fails.
pub fn saw(tx: &WriteTx<'_>, key: &PublicKey, standing: Standing, now: u64) -> Result<(), DbError> {
    let before = load(tx, key)?.filter(|before| before.standing == standing);
    let since = before.map_or(now, |before| before.since);
    let number = match standing {
        Standing::Absent => 0,
        Standing::Ours => 1,
        Standing::Other => 2,
    };
    tx.execute(
        "INSERT OR REPLACE INTO own_anchor (id, delegate_key, standing, since, checked_at)
         VALUES (1, ?1, ?2, ?3, ?4)",
        params![key.as_bytes(), number, since, now],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Party, TestClock};
    use sotto_wire::key::SigningKey;

    #[test]
    fn what_was_seen_last_is_kept_with_its_beginning() {
        let alice = Party::new("alice", &TestClock::new());
        let [key, other] = [1, 2].map(|seed| SigningKey::from_seed(&[seed; 32]).public());
        let see = |standing, now| alice.write(move |tx| saw(tx, &key, standing, now));
        let seen = |key: PublicKey| alice.read(move |tx| load(tx, &key));
        let row = |standing, since, checked_at| {
            Some(OwnAnchor {
                standing,
                since,
                checked_at,
            })
        };
        assert_eq!(seen(key), None);
        see(Standing::Absent, 10);
        see(Standing::Ours, 20);
        see(Standing::Ours, 30);
        assert_eq!(seen(key), row(Standing::Ours, 20, 30));
        assert_eq!(seen(other), None, "it was about another key");
        see(Standing::Other, 40);
        assert_eq!(seen(key), row(Standing::Other, 40, 40));
    }
}
