//! Functions that the schema calls.

use super::erase::Erasures;
use super::error::DbError;
use super::search_index;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;

/// Gives a connection `search_text(text)` and `erased()`.
pub(super) fn register(connection: &Connection, erasures: &Erasures) -> Result<(), DbError> {
    let pure = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("search_text", 1, pure, search_text)?;
    let erasures = erasures.clone();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("erased", 0, flags, move |_| {
        erasures.mark();
        Ok(None::<i64>)
    })?;
    Ok(())
}

fn search_text(context: &Context<'_>) -> rusqlite::Result<Option<String>> {
    Ok(match context.get_raw(0) {
        ValueRef::Text(text) => Some(search_index::text(&String::from_utf8_lossy(text))),
        _ => None,
    })
}
