//! This device's data is older than what it has done: its disk was set back.

use super::{DAY, asking, renewal};
use crate::db::{Change, DbError, WriteTx};
use crate::messages::EngineError;
use crate::messages::notice::{self, Notice};
use crate::outbox::{self, grant_stock};
use rusqlite::{OptionalExtension, params};
use sotto_wire::payload::Lost;

/// Begins a conversation anew in both directions: what was done since is unknown here, so the own
/// send group may contradict what its readers know, the peer may hold grants that this device has
/// forgotten, and what was acknowledged to the own relay does not come again. `false`: that is on its
/// way already, and nothing has happened.
pub(in crate::messages) fn set_back(
    tx: &WriteTx<'_>,
    conversation: i64,
) -> Result<bool, EngineError> {
    if !renewal::begin_anew(tx, conversation)? {
        return Ok(false);
    }
    tracing::warn!("this device's data is older than what it has acknowledged");
    notice::put(tx, conversation, Notice::SetBack)?;
    grant_stock::supersede(tx, conversation)?;
    for (device, group) in newest_groups(tx, conversation)? {
        asking::owe(tx, conversation, Some(device), &Lost::Group(group))?;
    }
    outbox::ask_for_frame(tx, conversation)?;
    tx.changed(Change::Outbox);
    Ok(true)
}

/// The group of each of the peer's devices that was joined last. Of one that was joined just now nothing
/// was acknowledged, so all of it still comes.
fn newest_groups(tx: &WriteTx<'_>, conversation: i64) -> Result<Vec<(i64, [u8; 16])>, EngineError> {
    // (SQLite takes the other columns of a group from the row of its `max`.)
    let mut statement = tx.prepare_cached(
        "SELECT peer_device, group_id, max(id) FROM read_group
         WHERE conversation = ?1 AND length(group_id) = 16 AND processed > 0 GROUP BY peer_device",
    )?;
    let groups = statement
        .query_map([conversation], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(groups)
}

/// Something shows that this device was set back, and not with whom: every conversation begins
/// anew, at most once a day.
///
/// # Errors
/// [`EngineError`]; the caller rolls back then.
pub(crate) fn everywhere(tx: &WriteTx<'_>) -> Result<(), EngineError> {
    let now = tx.clock_now_ms();
    let last: Option<u64> = tx
        .prepare_cached("SELECT at FROM set_back")?
        .query_row([], |row| row.get(0))
        .optional()?;
    if last.is_some_and(|at| at <= now && at + DAY > now) {
        return Ok(());
    }
    tx.execute(
        "INSERT OR REPLACE INTO set_back (id, at) VALUES (1, ?1)",
        params![now],
    )?;
    grant_stock::void_stock(tx)?;
    for conversation in conversations(tx)? {
        set_back(tx, conversation)?;
    }
    Ok(())
}

fn conversations(tx: &WriteTx<'_>) -> Result<Vec<i64>, DbError> {
    let mut statement = tx.prepare_cached(
        "SELECT conversation FROM send_group UNION SELECT conversation FROM read_group",
    )?;
    let rows = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}
