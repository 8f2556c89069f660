//! Grant puts between their 202 and their resolution (§4.6).

use super::many::{Column, Many};
use super::sql::{Sql, params};
use super::{Stored, messages};

/// A put as it came, before anything was looked up.
pub(crate) struct NewEntry {
    /// Address in the path.
    pub(crate) address: String,
    /// Challenge in the body, unchecked.
    pub(crate) challenge: String,
    /// Tag in the body, unchecked.
    pub(crate) tag: Vec<u8>,
    /// The message.
    pub(crate) message: Vec<u8>,
    /// When it came.
    pub(crate) received_at: i64,
}

/// A journal entry with what its judgement needs.
pub(crate) struct Entry {
    /// Row number.
    pub(crate) id: i64,
    /// The put.
    pub(crate) put: NewEntry,
    /// Row of the stored message bytes.
    pub(crate) body: i64,
    /// Key of the live grant at that address, if there is one.
    pub(crate) grant_key: Option<Vec<u8>>,
}

/// What became of an entry.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Row number.
    pub(crate) id: i64,
    /// Row of the stored message bytes.
    pub(crate) body: i64,
    /// Address and message id where challenge and tag were right.
    pub(crate) accepted: Option<(String, String)>,
}

/// Appends puts, in their order. The same statements whatever the addresses are.
pub(crate) fn append(sql: &dyn Sql, entries: &[NewEntry]) -> Stored<()> {
    let messages: Vec<_> = entries.iter().map(|it| it.message.as_slice()).collect();
    let bodies = messages::insert_bodies(sql, &messages)?;
    let insert = Many {
        one: "INSERT INTO journal (address, challenge, tag, body, received_at)
              VALUES (?1, ?2, ?3, ?4, ?5)",
        all: "INSERT INTO journal (address, challenge, tag, body, received_at)
              SELECT address, challenge, tag, body, received_at
              FROM unnest(?1::text[], ?2::text[], ?3::bytea[], ?4::bigint[], ?5::bigint[])
                  WITH ORDINALITY AS r (address, challenge, tag, body, received_at, n)
              ORDER BY n",
    };
    let addresses: Vec<_> = entries.iter().map(|it| it.address.as_str()).collect();
    let challenges: Vec<_> = entries.iter().map(|it| it.challenge.as_str()).collect();
    let tags: Vec<_> = entries.iter().map(|it| it.tag.as_slice()).collect();
    let received: Vec<_> = entries.iter().map(|it| it.received_at).collect();
    let columns = [
        Column::Texts(&addresses),
        Column::Texts(&challenges),
        Column::Bytes(&tags),
        Column::Ints(&bodies),
        Column::Ints(&received),
    ];
    sql.execute_many(&insert, &columns, &[])
}

/// How many entries wait.
pub(crate) fn count(sql: &dyn Sql) -> Stored<usize> {
    let count: i64 = sql.one("SELECT count(*) FROM journal", params![], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The oldest entries, at most `limit`.
pub(crate) fn oldest(sql: &dyn Sql, limit: i64, now: i64) -> Stored<Vec<Entry>> {
    sql.all(
        "SELECT j.id, j.address, j.challenge, j.tag, b.bytes, j.received_at, j.body, g.key
             FROM journal j JOIN bodies b ON b.id = j.body
             LEFT JOIN grants g
                ON g.address = j.address AND g.closed = 0 AND g.expires_at > ?2
             ORDER BY j.id LIMIT ?1",
        params![limit, now],
        |row| {
            Ok(Entry {
                id: row.get(0)?,
                put: NewEntry {
                    address: row.get(1)?,
                    challenge: row.get(2)?,
                    tag: row.get(3)?,
                    message: row.get(4)?,
                    received_at: row.get(5)?,
                },
                body: row.get(6)?,
                grant_key: row.get(7)?,
            })
        },
    )
}
