//! Digests of what must not arrive twice (§4.7 deduplication, §4.5 nonces). Only digests: a row
//! does not say who sent what to whom.

use rusqlite::Connection;

/// Whether `digest` was recorded and has not lapsed.
pub(crate) fn contains(connection: &Connection, digest: &[u8], now: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM seen WHERE digest = ?1 AND expires_at > ?2")?
        .exists((digest, now))
}

/// Records `digest` until `expires_at`, replacing an earlier end.
pub(crate) fn record(
    connection: &Connection,
    digest: &[u8],
    expires_at: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO seen (digest, expires_at) VALUES (?1, ?2)")?
        .execute((digest, expires_at))?;
    Ok(())
}
