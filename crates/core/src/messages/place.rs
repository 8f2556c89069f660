//! Message ids, which are places in the history: the greater the id, the further down.
//!
//! A message that arrives in order gets the next multiple of [`STEP`]. A frame that was overtaken
//! belongs above the one that overtook it: it gets that one's id minus the distance of their
//! numbers, which is less than [`STEP`] (`inbox::WINDOW`), or one near it where two groups have a say.

use crate::db::{DbError, WriteTx};
use crate::inbox::WINDOW;

const STEP: i64 = 4096;
const _: () = assert!(
    WINDOW < STEP.unsigned_abs(),
    "an overtaken frame must find room"
);

/// The id of a message at the end of the history. (Below 2^53, so that JavaScript can hold it,
/// for the first two trillion messages.)
pub(super) fn next(tx: &WriteTx<'_>) -> Result<i64, DbError> {
    let last: Option<i64> = tx
        .prepare_cached("SELECT max(id) FROM message")?
        .query_row([], |row| row.get(0))?;
    Ok(after(last.unwrap_or(0)))
}

/// The id of a message right after the one with the id `last`, the greatest so far.
pub(super) fn after(last: i64) -> i64 {
    (last / STEP + 1) * STEP
}

/// The id of a message that was sent `distance` frames before the one with the id `later`; the next
/// one further up that is free.
pub(super) fn before(tx: &WriteTx<'_>, later: i64, distance: u64) -> Result<i64, DbError> {
    let mut statement = tx.prepare_cached("SELECT 1 FROM message WHERE id = ?1")?;
    let mut place = later - i64::try_from(distance).unwrap_or(STEP - 1);
    while statement.exists([place])? {
        place -= 1;
    }
    Ok(place)
}
