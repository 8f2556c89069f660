//! The relay's own secrets. They are kept so that challenges stay valid over a restart: a journal
//! entry left by a crash is judged by the challenge it carries.

use rusqlite::{Connection, OptionalExtension};

/// Returns the secret of that name, storing `fresh` if there is none yet.
pub(crate) fn load_or_store(
    connection: &Connection,
    name: &str,
    fresh: [u8; 32],
) -> rusqlite::Result<[u8; 32]> {
    let stored: Option<[u8; 32]> = connection
        .query_row("SELECT value FROM secrets WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(secret) = stored {
        return Ok(secret);
    }
    connection.execute(
        "INSERT INTO secrets (name, value) VALUES (?1, ?2)",
        (name, fresh.as_slice()),
    )?;
    Ok(fresh)
}
