//! Finding messages by what they say: newest first, as one types.
//!
//! What is typed is never a query language: it is cut into words, all of which must be in the
//! message, the last one as the beginning of a word. Case and accents do not count.

mod snippet;

pub use snippet::{Mark, Snippet};

use super::MessageState;
use crate::db::search_index::{self, CLOSE, OPEN};
use crate::db::{Database, DbError, ReadTx, conversations};
use rusqlite::params;
use sotto_wire::conversation::ConversationId;

/// Results of one answer.
pub const MAX_HITS: u32 = 50;
/// Characters and words of a query that count.
const MAX_QUERY: usize = 256;
const MAX_WORDS: usize = 16;
/// A single letter as the beginning of a word would find half of everything, slowly.
const MIN_PREFIX: usize = 2;

/// What to look for.
#[derive(Debug, Clone)]
pub struct Query {
    /// As typed.
    pub text: String,
    /// Where; everywhere without.
    pub conversation: Option<ConversationId>,
    /// Only messages above this one.
    pub before: Option<i64>,
    /// At most [`MAX_HITS`].
    pub limit: u32,
}

/// One message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The message.
    pub message: i64,
    /// Its conversation.
    pub conversation: ConversationId,
    /// Whether the own account wrote it.
    pub mine: bool,
    /// Written or arrived, milliseconds since 1970.
    pub at: u64,
    /// What it says around the words that were looked for.
    pub snippet: Snippet,
}

/// Some of what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Newest first.
    pub hits: Vec<Hit>,
    /// The `before` that goes on from here; `None` at the end.
    pub more: Option<i64>,
}

/// Looks for messages, those included that came just now.
///
/// # Errors
/// When the database fails.
pub async fn search(database: &Database, query: Query) -> Result<Found, DbError> {
    if database.read(|tx| search_index::is_due(tx)).await? {
        database.write(|tx| search_index::catch_up(tx)).await?;
    }
    database.read(move |tx| find(tx, &query)).await
}

/// Looks for messages that are in the index.
///
/// # Errors
/// When the database fails.
pub(crate) fn find(tx: &ReadTx<'_>, query: &Query) -> Result<Found, DbError> {
    let place = match &query.conversation {
        None => None,
        Some(id) => match conversations::by_id(tx, id)? {
            Some(conversation) => Some(conversation.row),
            None => return Ok(Found::default()),
        },
    };
    let Some(expression) = expression(&query.text, place) else {
        return Ok(Found::default());
    };
    let limit = usize::try_from(query.limit.clamp(1, MAX_HITS)).unwrap_or(1);
    let mut statement = tx.prepare_cached(
        "SELECT m.id, c.key, m.state, m.at, snippet(message_search, 0, ?4, ?5, '…', 32)
         FROM message_search f
         CROSS JOIN message m ON m.id = f.rowid
         CROSS JOIN conversation c ON c.id = m.conversation
         WHERE message_search MATCH ?1 AND f.rowid < ?2 AND m.kind = 0
         ORDER BY f.rowid DESC LIMIT ?3",
    )?;
    let (before, marks) = (query.before.unwrap_or(i64::MAX), [OPEN, CLOSE]);
    let [open, close] = marks.map(String::from);
    let mut rows = statement.query(params![expression, before, limit + 1, open, close])?;
    let mut found = Found::default();
    while let Some(row) = rows.next()? {
        if found.hits.len() == limit {
            found.more = found.hits.last().map(|hit| hit.message);
            break;
        }
        let state = MessageState::from_stored(row.get(2)?);
        found.hits.push(Hit {
            message: row.get(0)?,
            conversation: ConversationId::from_bytes(row.get(1)?),
            mine: state.ok_or(DbError::Stored("message state"))? != MessageState::Received,
            at: row.get(3)?,
            snippet: Snippet::parse(&row.get::<_, String>(4)?),
        });
    }
    Ok(found)
}

/// What FTS5 is asked: quoted words only. `None` where nothing is left to look for.
fn expression(query: &str, place: Option<i64>) -> Option<String> {
    let query: String = query.chars().take(MAX_QUERY).collect();
    let words: Vec<String> = query
        .split_whitespace()
        .map(|word| word.replace('"', " "))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(MAX_WORDS)
        .map(|word| search_index::text(&word))
        .collect();
    let last = words.last()?;
    let letters = last.trim_end_matches(|c: char| !c.is_alphanumeric());
    let letters = letters.chars().rev().take_while(|c| c.is_alphanumeric());
    let star = if letters.count() >= MIN_PREFIX {
        " *"
    } else {
        ""
    };
    let words = words.join("\" AND \"");
    let words = format!("text : (\"{words}\"{star})");
    Some(match place {
        Some(place) => format!("place : \"c{place}\" AND {words}"),
        None => words,
    })
}

#[cfg(test)]
mod tests;
