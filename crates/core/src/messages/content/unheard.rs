//! Edits and deletions that the peer never acknowledged: the message says so (docs/protocol.md §5.2).

use super::erase::announce;
use super::target::Target;
use crate::db::{DbError, WriteTx};
use sotto_wire::content::{Body, Content};

/// Tells of the edits and deletions that were given up since the last time.
///
/// # Errors
/// When the database fails.
pub(in crate::messages) fn tell(tx: &WriteTx<'_>) -> Result<(), DbError> {
    let mut statement = tx.prepare_cached(
        "UPDATE message SET error = NULL WHERE kind = 1 AND state = 3 AND error IS NOT NULL
         RETURNING conversation, content",
    )?;
    let given_up = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, Vec<u8>)>, _>>()?;
    for (conversation, bytes) in given_up {
        // Nothing is left of an edit whose message is gone.
        if !bytes.is_empty() {
            tell_of(tx, conversation, &bytes)?;
        }
    }
    Ok(())
}

fn tell_of(tx: &WriteTx<'_>, conversation: i64, bytes: &[u8]) -> Result<(), DbError> {
    let content = Content::decode(bytes).map_err(|_| DbError::Stored("content"))?;
    let code = match content.body {
        Body::Delete { reaction: false } => "message.deletion_unheard",
        Body::Text(_) => "message.edit_unheard",
        _ => return Ok(()),
    };
    let Some(replaced) = content.replaces else {
        return Ok(());
    };
    let Some(target) = Target::by_mimi_id(tx, conversation, &replaced)? else {
        return Ok(());
    };
    tx.prepare_cached("UPDATE message SET error = ?2 WHERE id = ?1 AND state <> 3")?
        .execute((target.id, code))?;
    announce(tx, conversation, vec![target.id])
}
