//! Reclaims what has lapsed. Nothing depends on when this runs: reads filter by themselves.

use rusqlite::Connection;

/// Deletes everything past its end.
pub(crate) fn sweep(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    for table in ["messages", "grants", "claims", "seen", "attachments"] {
        connection.execute(
            &format!("DELETE FROM {table} WHERE expires_at <= ?1"),
            [now],
        )?;
    }
    connection.execute("DELETE FROM discarded WHERE until <= ?1", [now])?;
    connection.execute("DELETE FROM decoy", [])?;
    Ok(())
}
