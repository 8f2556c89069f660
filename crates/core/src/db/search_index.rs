//! Keeping the index of `messages::search`: which words a text is made of, and when they are noted.
//!
//! FTS5 finds words and beginnings of words. Chinese, Japanese, Korean, Thai, Lao, Khmer and
//! Burmese are written without spaces, or so that a word is found only inside of another: there,
//! every character is a word of its own, and a search for several is one for them in a row.

use super::{DbError, WriteTx};
use rusqlite::Connection;

/// Stands between the characters of a text without spaces: one of the control characters that were
/// made to separate, like the two below.
pub(crate) const SEPARATOR: char = '\u{1c}';
/// Where a match in a snippet begins.
pub(crate) const OPEN: char = '\u{1d}';
/// Where it ends.
pub(crate) const CLOSE: char = '\u{1e}';

/// As many messages wait before they are noted together. Whoever searches has them noted before.
const BATCH: i64 = 256;

/// A text as the index reads it, and snippets come out of it: the same but for separators, and for
/// characters that mark something here.
pub(crate) fn text(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if matches!(c, SEPARATOR | OPEN | CLOSE | '\0') {
            words.push(SEPARATOR);
            continue;
        }
        let unspaced = is_unspaced(c);
        if (unspaced && !is_mark(c)) || (inside && !unspaced && c.is_alphanumeric()) {
            words.push(SEPARATOR);
        }
        inside = unspaced;
        words.push(c);
    }
    words
}

fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1100}'..='\u{11ff}' // Hangul, in parts
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30ff}' // Hiragana, Katakana
        | '\u{3105}'..='\u{318f}'
        | '\u{31a0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' // Han
        | '\u{ac00}'..='\u{d7ff}' // Hangul
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ffdc}'
        | '\u{20000}'..='\u{3ffff}')
}

/// What belongs to the character before it: vowel and tone marks of the scripts above, and the
/// second and third parts of a Hangul syllable.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{0e31}' | '\u{0e34}'..='\u{0e3a}' | '\u{0e47}'..='\u{0e4e}'
        | '\u{0eb1}' | '\u{0eb4}'..='\u{0ebc}' | '\u{0ec8}'..='\u{0ece}'
        | '\u{102b}'..='\u{103e}' | '\u{1056}'..='\u{1059}' | '\u{1160}'..='\u{11ff}'
        | '\u{17b4}'..='\u{17d3}' | '\u{17dd}' | '\u{3099}' | '\u{309a}' | '\u{ff9e}' | '\u{ff9f}')
}

/// Whether messages wait to be noted.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn is_due(connection: &Connection) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM search_due)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Notes the messages that wait.
///
/// # Errors
/// When SQLite fails.
pub(crate) fn catch_up(tx: &WriteTx<'_>) -> Result<(), DbError> {
    note(tx)
}

/// Notes the messages that wait if they are many. An index that cannot be written is no reason to
/// lose what the transaction is about: they go on waiting.
pub(super) fn before_commit(tx: &Connection) -> Result<(), DbError> {
    let waiting: i64 = tx
        .prepare_cached("SELECT count(*) FROM search_due")?
        .query_row([], |row| row.get(0))?;
    if waiting < BATCH {
        return Ok(());
    }
    tx.prepare_cached("SAVEPOINT noting")?.execute([])?;
    if let Err(error) = note(tx) {
        tracing::warn!(
            code = error.code(),
            "messages could not be noted for search"
        );
        tx.execute_batch("ROLLBACK TO noting")?;
    }
    tx.prepare_cached("RELEASE noting")?.execute([])?;
    Ok(())
}

fn note(connection: &Connection) -> Result<(), DbError> {
    connection
        .prepare_cached(
            "INSERT INTO message_search (rowid, text, place)
             SELECT s.id, s.text, s.place FROM search_due d CROSS JOIN message_searched s
             ON s.id = d.id ORDER BY d.id",
        )?
        .execute([])?;
    connection
        .prepare_cached("DELETE FROM search_due")?
        .execute([])?;
    Ok(())
}
