//! Digests of what must not arrive twice (§4.7 deduplication, §4.5 nonces). Only digests: a row
//! does not say who sent what to whom.

use super::Stored;
use super::sql::{Sql, params};

/// Whether `digest` was recorded and has not lapsed.
pub(crate) fn contains(sql: &dyn Sql, digest: &[u8], now: i64) -> Stored<bool> {
    sql.exists(
        "SELECT 1 FROM seen WHERE digest = ?1 AND expires_at > ?2",
        params![digest, now],
    )
}

/// Records `digest` until `expires_at`, replacing an earlier end.
pub(crate) fn record(sql: &dyn Sql, digest: &[u8], expires_at: i64) -> Stored<()> {
    sql.execute(
        "INSERT INTO seen (digest, expires_at) VALUES (?1, ?2)
         ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at",
        params![digest, expires_at],
    )?;
    Ok(())
}
