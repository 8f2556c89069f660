//! The own account on its way from one relay to another (docs/protocol.md §4.9).

use super::{Change, DbError, WriteTx};
use rusqlite::{Connection, OptionalExtension, params};
use sotto_wire::domain::Domain;

/// A move under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    /// Where to.
    pub(crate) domain: Domain,
    /// The record may name it already: the move is gone on with.
    pub(crate) published: bool,
}

/// A relay that was left, where something may still come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Former {
    /// Which.
    pub(crate) domain: Domain,
    /// When the record named another one, milliseconds since 1970.
    pub(crate) left_at: u64,
    /// When everything that lay there was fetched last.
    pub(crate) reached_at: Option<u64>,
}

/// The move under way.
///
/// # Errors
/// When SQLite fails or the row does not decode.
pub(crate) fn load(connection: &Connection) -> Result<Option<Move>, DbError> {
    let found: Option<(String, bool)> = connection
        .prepare_cached("SELECT domain, published FROM own_move")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found
        .map(|(domain, published)| {
            Ok(Move {
                domain: parse(&domain)?,
                published,
            })
        })
        .transpose()
}

/// Writes a move down, in place of one that was not published.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn store(tx: &WriteTx<'_>, to: &Domain) -> Result<(), DbError> {
    tx.execute(
        "INSERT OR REPLACE INTO own_move (id, domain, published) VALUES (1, ?1, 0)",
        [to.as_str()],
    )?;
    tx.changed(Change::Account);
    Ok(())
}

/// From now on the record may name the next relay.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn set_published(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.execute("UPDATE own_move SET published = 1", [])?;
    tx.changed(Change::Account);
    Ok(())
}

/// There is no move under way any more.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn clear(tx: &WriteTx<'_>) -> Result<(), DbError> {
    tx.execute("DELETE FROM own_move", [])?;
    tx.changed(Change::Account);
    Ok(())
}

/// Relays that were left, the latest first.
///
/// # Errors
/// When SQLite fails or a row does not decode.
pub(crate) fn former(connection: &Connection) -> Result<Vec<Former>, DbError> {
    let mut statement = connection.prepare_cached(
        "SELECT domain, left_at, reached_at FROM former_relay ORDER BY left_at DESC, domain",
    )?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<Vec<(String, u64, Option<u64>)>, _>>()?;
    rows.into_iter()
        .map(|(domain, left_at, reached_at)| {
            Ok(Former {
                domain: parse(&domain)?,
                left_at,
                reached_at,
            })
        })
        .collect()
}

/// The account has left a relay for another one, and collects there what still comes. A relay that it
/// goes back to is no former one.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn leave(tx: &WriteTx<'_>, from: &Domain, to: &Domain) -> Result<(), DbError> {
    tx.execute("DELETE FROM former_relay WHERE domain = ?1", [to.as_str()])?;
    tx.execute(
        "INSERT OR REPLACE INTO former_relay (domain, left_at) VALUES (?1, ?2)",
        params![from.as_str(), tx.clock_now_ms()],
    )?;
    Ok(())
}

/// Everything that lay there was fetched.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn reached(tx: &WriteTx<'_>, domain: &Domain) -> Result<(), DbError> {
    tx.execute(
        "UPDATE former_relay SET reached_at = ?2 WHERE domain = ?1",
        params![domain.as_str(), tx.clock_now_ms()],
    )?;
    tx.changed(Change::Account);
    Ok(())
}

/// Nothing is collected there any more.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn forget_former(tx: &WriteTx<'_>, domain: &Domain) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM former_relay WHERE domain = ?1",
        [domain.as_str()],
    )?;
    tx.changed(Change::Account);
    Ok(())
}

fn parse(text: &str) -> Result<Domain, DbError> {
    Domain::parse(text).map_err(|_| DbError::Stored("domain"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Party, TestClock};

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    #[test]
    fn a_relay_that_the_account_goes_back_to_is_no_former_one() {
        let alice = Party::new("alice", &TestClock::new());
        let [one, two, three] = ["one.example", "two.example", "three.example"].map(domain);
        let names = |alice: &Party| {
            let former = alice.read(|tx| former(tx)).into_iter();
            former.map(|it| it.domain.to_string()).collect::<Vec<_>>()
        };
        let (from, to) = (one.clone(), two.clone());
        alice.write(move |tx| leave(tx, &from, &to));
        alice.clock.advance_ms(1000);
        let (from, to) = (two.clone(), three.clone());
        alice.write(move |tx| leave(tx, &from, &to));
        assert_eq!(names(&alice), ["two.example", "one.example"]);
        alice.clock.advance_ms(1000);
        let (from, to) = (three, one.clone());
        alice.write(move |tx| leave(tx, &from, &to));
        assert_eq!(names(&alice), ["three.example", "two.example"]);
        alice.write(move |tx| forget_former(tx, &two));
        assert_eq!(names(&alice), ["three.example"]);
    }

    #[test]
    fn a_move_is_the_last_one_that_was_begun() {
        let alice = Party::new("alice", &TestClock::new());
        let [one, two] = ["one.example", "two.example"].map(domain);
        assert_eq!(alice.read(|tx| load(tx)), None);
        alice.write(move |tx| store(tx, &one));
        alice.write(set_published);
        assert!(alice.read(|tx| load(tx)).unwrap().published);
        let to = two.clone();
        alice.write(move |tx| store(tx, &to));
        let expected = Move {
            domain: two,
            published: false,
        };
        assert_eq!(alice.read(|tx| load(tx)), Some(expected));
        alice.write(clear);
        assert_eq!(alice.read(|tx| load(tx)), None);
    }
}
