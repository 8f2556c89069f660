//! Digests of what must not arrive twice (§4.7 deduplication, §4.5 nonces). Only digests: a row
//! does not say who sent what to whom.

use super::Stored;
use super::many::{Column, Many};
use super::sql::{Sql, params};

/// Records `digest` until `expires_at`, replacing an earlier end.
pub(crate) fn record(sql: &dyn Sql, digest: &[u8], expires_at: i64) -> Stored<()> {
    sql.execute(
        "INSERT INTO seen (digest, expires_at) VALUES (?1, ?2)
         ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at",
        params![digest, expires_at],
    )?;
    Ok(())
}

/// Those of the digests that were recorded and have not lapsed.
pub(crate) fn among(sql: &dyn Sql, digests: &[&[u8]], now: i64) -> Stored<Vec<Vec<u8>>> {
    let find = Many {
        one: "SELECT digest FROM seen WHERE digest = ?1 AND expires_at > ?2",
        all: "SELECT digest FROM seen WHERE digest = ANY (?1) AND expires_at > ?2",
    };
    sql.many(&find, &[Column::Bytes(digests)], params![now], |row| {
        row.get(0)
    })
}

/// Records digests, each given once, until `expires_at`, replacing earlier ends.
pub(crate) fn record_all(sql: &dyn Sql, digests: &[&[u8]], expires_at: i64) -> Stored<()> {
    let insert = Many {
        one: "INSERT INTO seen (digest, expires_at) VALUES (?1, ?2)
              ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at",
        // In their order: two transactions never wait for each other.
        all: "INSERT INTO seen (digest, expires_at)
              SELECT digest, ?2::bigint FROM unnest(?1::bytea[]) AS r (digest) ORDER BY digest
              ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at",
    };
    sql.execute_many(&insert, &[Column::Bytes(digests)], params![expires_at])
}
