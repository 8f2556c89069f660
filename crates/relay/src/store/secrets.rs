//! The relay's own secrets. They are kept so that challenges stay valid over a restart: a journal
//! entry left by a crash is judged by the challenge it carries.

use super::Stored;
use super::sql::{Sql, params};

/// Returns the secret of that name, storing `fresh` if there is none yet.
pub(crate) fn load_or_store(sql: &dyn Sql, name: &str, fresh: [u8; 32]) -> Stored<[u8; 32]> {
    let stored: Option<[u8; 32]> = sql.first(
        "SELECT value FROM secrets WHERE name = ?1",
        params![name],
        |row| row.get(0),
    )?;
    if let Some(secret) = stored {
        return Ok(secret);
    }
    sql.execute(
        "INSERT INTO secrets (name, value) VALUES (?1, ?2)",
        params![name, fresh.as_slice()],
    )?;
    Ok(fresh)
}
