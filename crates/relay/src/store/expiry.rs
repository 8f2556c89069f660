//! Reclaims what has lapsed. Nothing depends on when this runs: reads filter by themselves.

use super::Stored;
use super::sql::{Sql, params};

/// Deletes everything past its end.
pub(crate) fn sweep(sql: &dyn Sql, now: i64) -> Stored<()> {
    for delete in [
        "DELETE FROM messages WHERE expires_at <= ?1",
        "DELETE FROM grants WHERE expires_at <= ?1",
        "DELETE FROM claims WHERE expires_at <= ?1",
        "DELETE FROM seen WHERE expires_at <= ?1",
        "DELETE FROM attachments WHERE expires_at <= ?1",
        "DELETE FROM discarded WHERE until <= ?1",
        "DELETE FROM accounts WHERE id IN (SELECT account FROM set_aside WHERE until <= ?1)",
    ] {
        sql.execute(delete, params![now])?;
    }
    sql.execute("DELETE FROM decoy", params![])?;
    Ok(())
}
